/* Product of Householder reflections: z = H_K ... H_1 x with H_k = I - 2 u_k u_k^T, u_k
   = v_k / |v_k| learned; orthogonal, so log|det| = 0 (Tomczak & Welling 2016, arXiv
   1611.09630).

   The reflections are applied together, as matrix products. With a_k = u_k . y_{k-1},
   what the k-th one is given along its vector, rows U = [u_k] and L the part of 2 U U^T
   below the diagonal:  a (I + L)^T = x U^T,  z = x - 2 a U.  The inverse takes them in
   the opposite order: the part above the diagonal. They start in pairs of equal random
   vectors, the identity; one that is left over is a random reflection. */
#include "bijections/bijection.h"

#include "core/vector.h"
#include "linalg/products.h"

#include <math.h>
#include <string.h>

static const double shortest = 1e-12; /* a vector without direction reflects nothing */

typedef struct householder {
    int64_t reflections; /* K */
} householder;

static const flo_setting rows[] = {{.name = "reflections",
                                    .type = FLO_INTEGER,
                                    .offset = offsetof(householder, reflections),
                                    .low = 1,
                                    .high = 10000,
                                    .fallback = "8",
                                    .help = "how many; an even number starts as the "
                                            "identity"},
                                   {.name = NULL}};
static const flo_settings settings = {
    "householder", "rotates the columns by learned reflections", rows};

/* Cache: a [B, K]. Scratch: U [K, D], 2 U U^T [K, K], dU [K, D], dL [K, K], da [B, K].
 */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    householder *s;
    int64_t ignored;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t K = s->reflections, D = self->features;
    self->cache = K;
    self->scratch = K;
    self->scratch_fixed = 2 * K * (D + K);
    self->state = s;
    return flo_layout_add(&self->parameters, K, D, false, &ignored, "vectors");
}

static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const householder *const s = self->state;
    const int64_t D = self->features;
    for (int64_t k = 0; k < s->reflections; k++)
        flo_random_normal(key, (uint64_t)(k / 2 * D), D, theta + k * D);
}

/* 1 / |v|, 0 where v is too short. */
static double reciprocal_length(int64_t D, const flo_real *v)
{
    const double length = sqrt(flo_vector_sum_squares(D, v));
    return length < shortest ? 0 : 1 / length;
}

/* U [K, D] from the vectors, and G = 2 U U^T [K, K]. */
static void normalise(int64_t K, int64_t D, const flo_real *theta, flo_real *U,
                      flo_real *G)
{
    for (int64_t k = 0; k < K; k++) {
        const double scale = reciprocal_length(D, theta + k * D);
        for (int64_t j = 0; j < D; j++)
            U[k * D + j] = (flo_real)(scale * (double)theta[k * D + j]);
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

static void reflect(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, bool first_to_last, const flo_real *from,
                    flo_real *to)
{
    const householder *const s = self->state;
    const int64_t B = pass->rows, D = self->features, K = s->reflections;
    flo_real *const U = pass->scratch, *const G = U + K * D, *const a = pass->cache;
    normalise(K, D, theta, U, G);
    flo_product_nt(B, K, D, from, U, 0, a);
    flo_triangle_solve(B, K, G, first_to_last, true, a);
    memcpy(to, from, (size_t)(B * D) * sizeof *to);
    add_product(B, K, D, -2, a, U, to);
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)logdet;
    reflect(self, theta, pass, true, x, z);
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)logdet;
    reflect(self, theta, pass, false, z, x);
}

/* dv = (du - u (u . du)) / |v|, added. */
static void add_vectors(int64_t K, int64_t D, const flo_real *theta, const flo_real *U,
                        const flo_real *dU, flo_real *dtheta)
{
    for (int64_t k = 0; k < K; k++) {
        const flo_real *const u = U + k * D, *const du = dU + k * D;
        const double scale = reciprocal_length(D, theta + k * D);
        double along = 0;
        for (int64_t j = 0; j < D; j++)
            along += (double)u[j] * (double)du[j];
        for (int64_t j = 0; j < D; j++)
            dtheta[k * D + j] +=
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

/* With b = -2 a, in the cache: z = x + b U.  By x U^T, dr = -2 dz U^T (I + L)^-1;  dx =
   dz + dr U;  dL = -dr^T a = dr^T b / 2 below the diagonal, and as L is that part of
   2 U U^T:  dU = b^T dz + dr^T x + 2 (dL + dL^T) U. */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)dlogdet, (void)dcontext;
    const householder *const s = self->state;
    const int64_t B = pass->rows, D = self->features, K = s->reflections;
    flo_real *const U = pass->scratch, *const G = U + K * D, *const dU = G + K * K,
                    *const dL = dU + K * D, *const dr = dL + K * K;
    normalise(K, D, theta, U, G);
    flo_product_nt(B, K, D, dz, U, 0, dr);
    flo_triangle_solve(B, K, G, true, false, dr);
    memcpy(dx, dz, (size_t)(B * D) * sizeof *dx);
    add_product(B, K, D, -2, dr, U, dx);
    flo_product_tn(B, K, D, pass->cache, dz, 0, dU);
    flo_product_tn(B, K, D, dr, x, 1, dU);
    flo_product_tn(B, K, K, dr, pass->cache, 0, dL);
    symmetric(K, dL);
    flo_product_nn(K, D, K, dL, U, 1, dU);
    add_vectors(K, D, theta, U, dU, dtheta);
}

const flo_bijection_kind flo_householder = {
    .name = "householder",
    .settings = &settings,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = init,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
