/* The weight of a masked map, packed in panels of rows without the zero blocks.

   Block p of the degrees has one panel: the rows of its degrees, [rows, c] row-major, c
   the inputs that the last of them sees. A panel without rows or inputs takes nothing.
   Entries that a row does not see are zero. Products take about half the work of the
   dense ones (linalg/staircase.h). Numbers are transposed: x [inputs, B], y [outputs,
   B]. */
#ifndef FLO_NN_PANELS_H
#define FLO_NN_PANELS_H

#include "core/layout.h"
#include "core/pass.h"
#include "core/random.h"
#include "linalg/staircase.h"
#include "nn/degrees.h"

typedef struct flo_panels {
    const flo_degrees *degrees;
    flo_units inputs, outputs;
    flo_panel *panel;  /* [degrees->blocks] */
    int64_t *earlier;  /* [degrees->blocks] of its columns, those of earlier blocks */
    flo_ragged ragged; /* length and inputs seen of every row */
    flo_staircase staircase;
    int64_t size; /* of the packed weight */
} flo_panels;

/* degrees is borrowed. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_panels_create(flo_arena *arena, const flo_degrees *degrees,
                                          flo_units inputs, flo_units outputs,
                                          flo_panels **panels);

/* weight [size] and bias [outputs] uniform in +-limit; limit < 0 stands for 1 /
   sqrt(inputs that the row sees), at most 1. Local. */
void flo_panels_init(const flo_panels *panels, double limit, flo_random_key key,
                     flo_real *weight, flo_real *bias);

/* y += W x; the pass as in dense.h. Pure. Local. */
void flo_panels_forward(const flo_panels *panels, const flo_real *weight,
                        const flo_pass *pass, const flo_real *x, flo_real *y);

/* Adds dy x^T to dweight, or puts it there where the pass is fresh; what no row sees
   becomes zero; dx is overwritten by
   W^T dy. dx NULL when nobody wants it. Pure. Local. */
void flo_panels_backward(const flo_panels *panels, const flo_real *weight,
                         const flo_pass *pass, const flo_real *x, const flo_real *dy,
                         flo_real *dx, flo_real *dweight);

/* Steps of a solve. Of the outputs of block p: y = bias + what the inputs of earlier
   blocks give. Then, of the outputs of a degree of the block: y += what the inputs of
   this block give, up to the degree. Only inputs that these see are read. Pure. Local.
 */
void flo_panels_solve_earlier(const flo_panels *panels, const flo_real *weight,
                              const flo_real *bias, int64_t block, int64_t B,
                              const flo_real *x, flo_real *y);
void flo_panels_solve_degree(const flo_panels *panels, const flo_real *weight,
                             int64_t degree, int64_t B, const flo_real *x, flo_real *y);

#endif
