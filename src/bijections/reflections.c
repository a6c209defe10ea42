/* Householder reflections applied together, as matrix products.

   With a_k = u_k . y_{k-1}, what the k-th one is given along its vector, rows U = [u_k]
   and L the part of 2 U U^T below the diagonal:  a (I + L)^T = x U^T,  z = x - 2 a U.
   The inverse takes them in the opposite order: the part above the diagonal. */
#include "bijections/reflections.h"

#include "core/vector.h"
#include "linalg/products.h"

#include <math.h>
#include <string.h>

static const double shortest = 1e-12; /* a vector without direction reflects nothing */

/* U [K, D], 2 U U^T [K, K], dU [K, D], dL [K, K], dr [B, K]. */
int64_t flo_reflections_scratch(const flo_reflections *r, int64_t B)
{
    return 2 * r->count * (r->features + r->count) + B * r->count;
}

/* 1 / |v|, 0 where v is too short. */
static double reciprocal_length(int64_t D, const flo_real *v)
{
    const double length = sqrt(flo_vector_sum_squares(D, v));
    return length < shortest ? 0 : 1 / length;
}

/* U [K, D] from the vectors, and G = 2 U U^T [K, K]. */
static void normalise(int64_t K, int64_t D, const flo_real *vectors, flo_real *U,
                      flo_real *G)
{
    for (int64_t k = 0; k < K; k++) {
        const double scale = reciprocal_length(D, vectors + k * D);
        for (int64_t j = 0; j < D; j++)
            U[k * D + j] = (flo_real)(scale * (double)vectors[k * D + j]);
    }
    flo_product_nt(K, K, D, U, U, 0, G);
    for (int64_t i = 0; i < K * K; i++)
        G[i] *= 2;
}

/* y [B, D] += factor a [B, K] U; a is scaled by the factor. */
static void add_product(int64_t B, int64_t K, int64_t D, flo_real factor, flo_real *a,
                        const flo_real *U, flo_real *y)
{
    for (int64_t i = 0; i < B * K; i++)
        a[i] *= factor;
    flo_product_nn(B, D, K, a, U, 1, y);
}

void flo_reflections_apply(const flo_reflections *r, const flo_real *vectors,
                           bool forward, int64_t B, const flo_real *from, flo_real *to,
                           flo_real *a, flo_real *scratch)
{
    const int64_t D = r->features, K = r->count;
    flo_real *const U = scratch, *const G = U + K * D;
    normalise(K, D, vectors, U, G);
    flo_product_nt(B, K, D, from, U, 0, a);
    flo_triangle_solve(B, K, G, forward, true, a);
    memcpy(to, from, (size_t)(B * D) * sizeof *to);
    add_product(B, K, D, -2, a, U, to);
}

/* dv = (du - u (u . du)) / |v|, added. */
static void add_vectors(int64_t K, int64_t D, const flo_real *vectors,
                        const flo_real *U, const flo_real *dU, flo_real *dvectors)
{
    for (int64_t k = 0; k < K; k++) {
        const flo_real *const u = U + k * D, *const du = dU + k * D;
        const double scale = reciprocal_length(D, vectors + k * D);
        double along = 0;
        for (int64_t j = 0; j < D; j++)
            along += (double)u[j] * (double)du[j];
        for (int64_t j = 0; j < D; j++)
            dvectors[k * D + j] +=
                (flo_real)(scale * ((double)du[j] - along * (double)u[j]));
    }
}

/* m [K, K] becomes symmetric: what lies below its diagonal, on both sides, and 0. */
static void symmetric(int64_t K, flo_real *m)
{
    for (int64_t k = 0; k < K; k++) {
        m[k * K + k] = 0;
        for (int64_t l = 0; l < k; l++)
            m[l * K + k] = m[k * K + l];
    }
}

/* With b = -2 a, in the argument: z = x + b U.  By x U^T, dr = -2 dz U^T (I + L)^-1; dx
   = dz + dr U;  dL = -dr^T a = dr^T b / 2 below the diagonal, and as L is that part of
   2 U U^T:  dU = b^T dz + dr^T x + 2 (dL + dL^T) U. */
void flo_reflections_backward(const flo_reflections *r, const flo_real *vectors,
                              int64_t B, const flo_real *x, const flo_real *a,
                              const flo_real *dz, flo_real *dx, flo_real *dvectors,
                              flo_real *scratch)
{
    const int64_t D = r->features, K = r->count;
    flo_real *const U = scratch, *const G = U + K * D, *const dU = G + K * K,
                    *const dL = dU + K * D, *const dr = dL + K * K;
    normalise(K, D, vectors, U, G);
    flo_product_nt(B, K, D, dz, U, 0, dr);
    flo_triangle_solve(B, K, G, true, false, dr);
    memcpy(dx, dz, (size_t)(B * D) * sizeof *dx);
    add_product(B, K, D, -2, dr, U, dx);
    flo_product_tn(B, K, D, a, dz, 0, dU);
    flo_product_tn(B, K, D, dr, x, 1, dU);
    flo_product_tn(B, K, K, dr, a, 0, dL);
    symmetric(K, dL);
    flo_product_nn(K, D, K, dL, U, 1, dU);
    add_vectors(K, D, vectors, U, dU, dvectors);
}
