/* Inside src/cli: the flow and its training, by rows and columns. */
#ifndef FLO_CLI_INIT_SIZES_H
#define FLO_CLI_INIT_SIZES_H

#include <stdbool.h>
#include <stdint.h>

enum { FLO_INIT_WHITENED = 4096 }; /* columns, at most, that are whitened */

/* From few rows a column to many: what so many rows can teach a flow that starts as the
   full normal of them. */
typedef enum flo_init_flow {
    FLO_INIT_AFFINE,  /* no more than the normal itself */
    FLO_INIT_SPLINES, /* the shape of each column */
    FLO_INIT_SMALL,   /* small couplings of splines */
    FLO_INIT_LARGE,   /* large ones: clumps and edges too */
    FLO_INIT_WIDE     /* of so many columns that splines take long: affine couplings */
} flo_init_flow;

typedef struct flo_init_sizes {
    flo_init_flow flow;
    double fraction; /* of rows for each of validation and test; 0: too few rows */
    int64_t steps_of_flow, width, bins;
    int64_t batch, lanes, steps, validate_every, report_every;
    double learning_rate, average;
} flo_init_sizes;

/* `rows` in the file, of which `parts` fractions (0 to 2) are held out. Pure. Local. */
void flo_init_find_sizes(int64_t rows, int parts, int64_t features,
                         flo_init_sizes *sizes);

#endif
