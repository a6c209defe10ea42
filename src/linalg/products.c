/* Dense matrix products by OpenBLAS. */
#include "linalg/products.h"

#include "linalg/tally.h"

#include <cblas.h>
#include <stddef.h>

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

/* OpenBLAS numbers them so. */
flo_blas_threading flo_blas_how(void)
{
    return (flo_blas_threading)openblas_get_parallel();
}

int flo_blas_threads(void)
{
    return openblas_get_num_threads();
}

static void product(CBLAS_TRANSPOSE left, CBLAS_TRANSPOSE right, int64_t rows,
                    int64_t columns, int64_t inner, const flo_real *a, int64_t a_row,
                    const flo_real *b, int64_t b_row, flo_real beta, flo_real *c)
{
    double began;
    if (rows <= 0 || columns <= 0 || inner <= 0)
        return;
    flo_tally *const tally = flo_tally_begin(&began);
    GEMM(CblasRowMajor, left, right, (int)rows, (int)columns, (int)inner, 1, a,
         (int)a_row, b, (int)b_row, beta, c, (int)columns);
    if (tally)
        flo_tally_end(tally, began, (double)rows * (double)columns * (double)inner);
}

void flo_product_nt(int64_t B, int64_t n, int64_t k, const flo_real *x,
                    const flo_real *w, flo_real beta, flo_real *y)
{
    product(CblasNoTrans, CblasTrans, B, n, k, x, k, w, k, beta, y);
}

void flo_product_nn(int64_t B, int64_t n, int64_t k, const flo_real *x,
                    const flo_real *w, flo_real beta, flo_real *y)
{
    product(CblasNoTrans, CblasNoTrans, B, n, k, x, k, w, n, beta, y);
}

void flo_product_tn(int64_t B, int64_t n, int64_t k, const flo_real *y,
                    const flo_real *x, flo_real beta, flo_real *w)
{
    product(CblasTrans, CblasNoTrans, n, k, B, y, n, x, k, beta, w);
}

static double triangle_work(int64_t B, int64_t n)
{
    return (double)B * (double)n * (double)(n - 1) / 2;
}

void flo_triangle_product(int64_t B, int64_t n, const flo_real *a, bool lower,
                          bool transposed, flo_real *y)
{
    double began;
    flo_tally *const tally = flo_tally_begin(&began);
    TRMM(CblasRowMajor, CblasRight, lower ? CblasLower : CblasUpper,
         transposed ? CblasTrans : CblasNoTrans, CblasUnit, (int)B, (int)n, 1, a,
         (int)n, y, (int)n);
    if (tally)
        flo_tally_end(tally, began, triangle_work(B, n));
}

void flo_triangle_solve(int64_t B, int64_t n, const flo_real *a, bool lower,
                        bool transposed, flo_real *y)
{
    double began;
    flo_tally *const tally = flo_tally_begin(&began);
    TRSM(CblasRowMajor, CblasRight, lower ? CblasLower : CblasUpper,
         transposed ? CblasTrans : CblasNoTrans, CblasUnit, (int)B, (int)n, 1, a,
         (int)n, y, (int)n);
    if (tally)
        flo_tally_end(tally, began, triangle_work(B, n));
}
