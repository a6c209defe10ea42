/* Products with few rows, where packing for the BLAS would cost more than the sums. */
#ifndef FLO_LINALG_THIN_H
#define FLO_LINALG_THIN_H

#include "flotilla/real.h"

#include <stdint.h>

/* y [n, B] += w [n, k] x [k, B]; w_row is the length of the rows that w is cut from. k
   may be 0. A column of y depends on its column of x alone, wherever it stands. y does
   not overlap w and x. Pure. Local. */
void flo_thin_product(int64_t n, int64_t B, int64_t k, const flo_real *w, int64_t w_row,
                      const flo_real *x, flo_real *y);

#endif
