/* Symmetric matrices by tiles: sums of squares, factor, inverse of the factor. */
#include "linalg/symmetric.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum { T = FLO_SYMMETRIC_TILE, ROWS = FLO_SYMMETRIC_ROWS };

int64_t flo_symmetric_padded(int64_t n)
{
    return (n + T - 1) / T * T;
}

/* c [T, T] = scale a b + beta c, one of a and b transposed at most; rows m apart. */
static void tile_product(CBLAS_TRANSPOSE left, CBLAS_TRANSPOSE right, int64_t m,
                         int inner, double scale, const double *a, const double *b,
                         double beta, double *c)
{
    cblas_dgemm(CblasRowMajor, left, right, T, T, inner, scale, a, (int)m, b, (int)m,
                beta, c, (int)m);
}

void flo_symmetric_add(int64_t m, const double *x, int threads, double *c)
{
    const int64_t n = m / T;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int64_t i = n - 1; i >= 0; i--)
        for (int64_t j = 0; j <= i; j++)
            tile_product(CblasTrans, CblasNoTrans, m, ROWS, 1, x + i * T, x + j * T, 1,
                         c + (i * m + j) * T);
}

/* A tile of the diagonal; false where a pivot is not positive. */
static bool factor_tile(int64_t m, double *a)
{
    for (int64_t j = 0; j < T; j++) {
        double pivot = a[j * m + j];
        for (int64_t k = 0; k < j; k++)
            pivot -= a[j * m + k] * a[j * m + k];
        if (!(pivot > 0) || !isfinite(pivot))
            return false;
        pivot = sqrt(pivot);
        a[j * m + j] = pivot;
        for (int64_t i = j + 1; i < T; i++) {
            double sum = a[i * m + j];
            for (int64_t k = 0; k < j; k++)
                sum -= a[i * m + k] * a[j * m + k];
            a[i * m + j] = sum / pivot;
            a[j * m + i] = 0;
        }
    }
    return true;
}

/* The inverse of a lower tile l, into w [T, T] whose rows adjoin. */
static void invert_tile(int64_t m, const double *l, double *w)
{
    memset(w, 0, (size_t)(T * T) * sizeof *w);
    for (int64_t j = 0; j < T; j++) {
        w[j * T + j] = 1 / l[j * m + j];
        for (int64_t i = j + 1; i < T; i++) {
            double sum = 0;
            for (int64_t k = j; k < i; k++)
                sum -= l[i * m + k] * w[k * T + j];
            w[i * T + j] = sum / l[i * m + i];
        }
    }
}

/* a [T, T] = a w^T, w [T, T] with rows that adjoin. */
static void divide_tile(int64_t m, const double *w, double *a)
{
    double copy[T * T];
    for (int64_t i = 0; i < T; i++)
        memcpy(copy + i * T, a + i * m, T * sizeof *copy);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, T, T, T, 1, copy, T, w, T, 0,
                a, (int)m);
}

bool flo_symmetric_factor(int64_t m, int threads, double *a)
{
    const int64_t n = m / T;
    double w[T * T];
    for (int64_t k = 0; k < n; k++) {
        double *const diagonal = a + (k * m + k) * T;
        if (!factor_tile(m, diagonal))
            return false;
        invert_tile(m, diagonal, w);
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int64_t i = k + 1; i < n; i++)
            divide_tile(m, w, a + (i * m + k) * T);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
        for (int64_t i = n - 1; i > k; i--)
            for (int64_t j = k + 1; j <= i; j++)
                tile_product(CblasNoTrans, CblasTrans, m, T, -1, a + (i * m + k) * T,
                             a + (j * m + k) * T, 1, a + (i * m + j) * T);
    }
    return true;
}

/* Column j of tiles of the inverse: w_ij = -w_ii (sum over j <= k < i of l_ik w_kj). */
static void invert_column(int64_t m, int64_t j, const double *l, double *w)
{
    double tile[T * T], sum[T * T];
    for (int64_t i = j; i < m / T; i++) {
        double *const to = w + (i * m + j) * T;
        invert_tile(m, l + (i * m + i) * T, tile);
        memset(sum, 0, sizeof sum);
        for (int64_t k = j; k < i; k++)
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, T, T, T, 1,
                        l + (i * m + k) * T, (int)m, w + (k * m + j) * T, (int)m, 1,
                        sum, T);
        if (i > j)
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, T, T, T, -1, tile, T,
                        sum, T, 0, to, (int)m);
        for (int64_t r = 0; i == j && r < T; r++)
            memcpy(to + r * m, tile + r * T, T * sizeof *tile);
    }
}

void flo_symmetric_invert(int64_t m, int threads, const double *l, double *w)
{
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int64_t j = 0; j < m / T; j++)
        invert_column(m, j, l, w);
}

void flo_symmetric_apply(int64_t m, int threads, const double *w, const double *x,
                         double *y)
{
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int64_t i = m / T - 1; i >= 0; i--)
        for (int64_t j = 0; j <= i; j++)
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ROWS, T, T, 1,
                        x + j * T, (int)m, w + (i * m + j) * T, (int)m, j > 0,
                        y + i * T, (int)m);
}
