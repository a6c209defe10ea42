/* Degrees of a masked network: which of its units see which columns (MADE, Germain et
   al. 2015, arXiv 1502.03509).

   A unit of degree m sees columns 0 .. m - 1. The units of every layer are sorted by
   degree; a unit reads the units of the layer before it up to its own degree. Column j
   as an input has degree j + 1, its outputs have degree j, hidden unit i of H has
   low + i (D - low) / H rounded down. Degrees are cut into blocks of G = ceil(64 D /
   H), H the widest hidden layer: wide enough for matrix products to be fast, narrow
   enough to waste little on the zeros inside a block. */
#ifndef FLO_NN_DEGREES_H
#define FLO_NN_DEGREES_H

#include "core/arena.h"

typedef struct flo_degrees {
    int64_t features;           /* D; degrees are 0 .. D - 1 */
    int64_t low;                /* degree of hidden unit 0 */
    int64_t block, blocks;      /* G; ceil(D / G) */
    const int64_t *first_input; /* [D + 1], of the inputs of a column; NULL: one each */
} flo_degrees;

/* The units of a layer, sorted by degree. */
typedef struct flo_units {
    int64_t count;
    /* [D + 1]: how many units have a degree below d, so that units first[d] ..
       first[d + 1] - 1 have degree d. NULL: a network without degrees. */
    const int64_t *first;
} flo_units;

/* low is 1, or 0 where column 0 depends on a context or is the only one. */
flo_degrees flo_degrees_choose(int64_t features, int64_t context, int64_t widest);

/* The units of the three sorts of layers; `degrees` NULL gives units without degrees.
   Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_units_columns(flo_arena *arena, const flo_degrees *degrees,
                                          int64_t columns, flo_units *units);
FLO_MUST_USE flo_status flo_units_hidden(flo_arena *arena, const flo_degrees *degrees,
                                         int64_t width, flo_units *units);
FLO_MUST_USE flo_status flo_units_outputs(flo_arena *arena, const flo_degrees *degrees,
                                          int64_t outputs, flo_units *units);

#endif
