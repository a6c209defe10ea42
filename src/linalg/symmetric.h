/* Symmetric matrices of doubles and their Cholesky factors, in tiles of one size: every
   product that the BLAS is asked for has the same shape, whatever the threads and
   ranks, so the bits are the same. */
#ifndef FLO_LINALG_SYMMETRIC_H
#define FLO_LINALG_SYMMETRIC_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FLO_SYMMETRIC_TILE = 64,
    FLO_SYMMETRIC_ROWS = 256 /* rows that are added or mapped at a time */
};

/* The least multiple of the tile that n columns fit into. Pure. */
int64_t flo_symmetric_padded(int64_t n);

/* All matrices [m, m] are row-major, m a multiple of the tile; of symmetric and lower
   ones the tiles above the diagonal are not looked at. Pure. Local.
   c += x^T x,  x [FLO_SYMMETRIC_ROWS, m] */
void flo_symmetric_add(int64_t m, const double *x, int threads, double *c);

/* The lower triangle of a becomes L, a = L L^T, and zeros above it inside the tiles of
   the diagonal. False where a is not positive definite. */
bool flo_symmetric_factor(int64_t m, int threads, double *a);

/* w = L^-1, lower. */
void flo_symmetric_invert(int64_t m, int threads, const double *l, double *w);

/* y = x w^T, w lower; x and y [FLO_SYMMETRIC_ROWS, m]. */
void flo_symmetric_apply(int64_t m, int threads, const double *w, const double *x,
                         double *y);

#endif
