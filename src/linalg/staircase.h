/* Products with a weight whose rows see the first inputs only, later rows no fewer:
   block lower triangular, stored in panels of rows without the zero blocks. A dense
   weight is one panel whose rows see everything. What is stored of a row and it does
   not see is zero.

   Columns of numbers are the rows of a batch: x [inputs, B] and y [outputs, B], so that
   neighbouring rows of the batch fill a vector. Every row of the batch has the bits
   that it has alone (tile.h). Whatever a product takes in (core/gemm.h), it adds to
   numbers as they are. */
#ifndef FLO_LINALG_STAIRCASE_H
#define FLO_LINALG_STAIRCASE_H

#include "core/gemm.h"
#include "flotilla/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct flo_panel {
    int64_t row, rows; /* rows row .. row + rows - 1 of W */
    int64_t columns;   /* that are stored: what the last of them sees */
    int64_t length;    /* reals from one row to the next */
    int64_t weight;    /* offset of the panel in the weight */
} flo_panel;

typedef struct flo_staircase {
    int64_t inputs, panels;
    const flo_panel *panel; /* [panels] in the order of their rows */
    const int64_t *seen;    /* inputs that a row of W sees; NULL: all of its panel */
} flo_staircase;

/* y += W x. Pure. Local. */
void flo_staircase_forward(const flo_staircase *s, const flo_real *weight,
                           const flo_rounded *rounded, int64_t B, const flo_real *x,
                           flo_real *y);

/* dx += W^T dy. Pure. Local. */
void flo_staircase_backward(const flo_staircase *s, const flo_real *weight,
                            const flo_rounded *rounded, int64_t B, const flo_real *dy,
                            flo_real *dx);

/* dW = dy x^T, plus dW itself where `add`, for B of at least 1; of what a row does not
   see, some becomes numbers without a meaning. Pure. Local. */
void flo_staircase_gradient(const flo_staircase *s, const flo_rounded *rounded,
                            int64_t B, bool add, const flo_real *x, const flo_real *dy,
                            flo_real *dweight);

#endif
