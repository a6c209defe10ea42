/* Dense matrix products by OpenBLAS. */
#include "linalg/products.h"

#include <cblas.h>

/* One name a routine for both precisions. */
#ifdef FLOTILLA_DOUBLE
#define GEMM cblas_dgemm
#define TRMM cblas_dtrmm
#define TRSM cblas_dtrsm
#else
#define GEMM cblas_sgemm
#define TRMM cblas_strmm
#define TRSM cblas_strsm
#endif

const char *flo_blas_start(void)
{
    openblas_set_num_threads(1);
    return openblas_get_corename();
}

const char *flo_blas_library(void)
{
    return openblas_get_config();
}

void flo_product_nt(int64_t B, int64_t n, int64_t k, const flo_real *x,
                    const flo_real *w, flo_real beta, flo_real *y)
{
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, (int)B, (int)n, (int)k, 1, x, (int)k,
         w, (int)k, beta, y, (int)n);
}

void flo_product_nn(int64_t B, int64_t n, int64_t k, const flo_real *x,
                    const flo_real *w, flo_real beta, flo_real *y)
{
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)B, (int)n, (int)k, 1, x,
         (int)k, w, (int)n, beta, y, (int)n);
}

void flo_product_tn(int64_t B, int64_t n, int64_t k, const flo_real *y,
                    const flo_real *x, flo_real beta, flo_real *w)
{
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, (int)n, (int)k, (int)B, 1, y, (int)n,
         x, (int)k, beta, w, (int)k);
}

void flo_triangle_product(int64_t B, int64_t n, const flo_real *a, bool lower,
                          bool transposed, flo_real *y)
{
    TRMM(CblasRowMajor, CblasRight, lower ? CblasLower : CblasUpper,
         transposed ? CblasTrans : CblasNoTrans, CblasUnit, (int)B, (int)n, 1, a,
         (int)n, y, (int)n);
}

void flo_triangle_solve(int64_t B, int64_t n, const flo_real *a, bool lower,
                        bool transposed, flo_real *y)
{
    TRSM(CblasRowMajor, CblasRight, lower ? CblasLower : CblasUpper,
         transposed ? CblasTrans : CblasNoTrans, CblasUnit, (int)B, (int)n, 1, a,
         (int)n, y, (int)n);
}
