/* Dense matrix products on one thread by the BLAS, for all but the conditioners
   (staircase.h). */
#ifndef FLO_LINALG_PRODUCTS_H
#define FLO_LINALG_PRODUCTS_H

#include "flotilla/real.h"

#include <stdbool.h>
#include <stdint.h>

/* Sets the BLAS to one thread a call (our own threads call it side by side) and returns
   the name of the core that its kernels were chosen for, "Haswell"; static storage.
   Local. */
const char *flo_blas_start(void);

/* The library's own description, "OpenBLAS 0.3.21 ...". Static storage. Local. */
const char *flo_blas_library(void);

/* How the BLAS was built to use threads, and how many it uses a call. Local. */
typedef enum flo_blas_threading {
    FLO_BLAS_SEQUENTIAL,
    FLO_BLAS_PTHREAD,
    FLO_BLAS_OPENMP
} flo_blas_threading;

flo_blas_threading flo_blas_how(void);
int flo_blas_threads(void);

/* All matrices are row-major and contiguous; sizes below 2^31. Pure. Local.
   y [B, n] = x [B, k] w^T + beta y,  w [n, k] */
void flo_product_nt(int64_t B, int64_t n, int64_t k, const flo_real *x,
                    const flo_real *w, flo_real beta, flo_real *y);
/* y [B, n] = x [B, k] w + beta y,  w [k, n] */
void flo_product_nn(int64_t B, int64_t n, int64_t k, const flo_real *x,
                    const flo_real *w, flo_real beta, flo_real *y);
/* w [n, k] = y^T x + beta w,  y [B, n], x [B, k] */
void flo_product_tn(int64_t B, int64_t n, int64_t k, const flo_real *y,
                    const flo_real *x, flo_real beta, flo_real *w);

/* y [B, n] = y t^T (transposed) or y t, in place, t the unit lower or unit upper
   triangle of a [n, n]; the diagonal of a is not read. */
void flo_triangle_product(int64_t B, int64_t n, const flo_real *a, bool lower,
                          bool transposed, flo_real *y);
/* Solves in place: y = y t^-T (transposed) or y t^-1. */
void flo_triangle_solve(int64_t B, int64_t n, const flo_real *a, bool lower,
                        bool transposed, flo_real *y);

#endif
