/* Linear map with triangular factors: z = L S U x + b, L and U unit triangular, S
   positive.

   S = diag(softplus(d + c) + m), 1 at d = 0 (positive.h). One tensor `factors` [D,
   D] holds L below its diagonal, U above it and d on it, as LAPACK packs factors.
   log|det| is the sum of log S (Kingma & Dhariwal 2018, arXiv 1807.03039, section 3.2,
   with the scale between the factors so that both triangles are unit). Starts as the
   identity. */
#include "bijections/bijection.h"

#include "bijections/positive.h"
#include "linalg/products.h"

#include <math.h>
#include <string.h>

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "lu_linear", "an invertible matrix and a shift, as triangular factors", rows};

/* Cache: u = U x [B, D]. Scratch: S [D], dS [D], a full product [D, D], v [B, D]. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    int64_t ignored;
    const int64_t D = self->features;
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, NULL));
    self->cache = D;
    self->scratch = D;
    self->scratch_fixed = 2 * D + D * D;
    FLO_TRY(flo_layout_add(&self->parameters, D, D, false, &ignored, "factors"));
    return flo_layout_add(&self->parameters, D, 0, false, &ignored, "bias");
}

/* S [D] and log|det| of one row. */
static double scales(int64_t D, const flo_real *theta, flo_real *S)
{
    for (int64_t j = 0; j < D; j++)
        S[j] = flo_positive(theta[j * D + j]);
    double logdet = 0;
    for (int64_t j = 0; j < D; j++)
        logdet += log((double)S[j]);
    return logdet;
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const int64_t B = pass->rows, D = self->features;
    const flo_real *const bias = theta + D * D;
    flo_real *const u = pass->cache, *const S = pass->scratch;
    const double row = scales(D, theta, S);
    memcpy(u, x, (size_t)(B * D) * sizeof *x);
    flo_triangle_product(B, D, theta, false, true, u);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] = S[j] * u[i * D + j];
    flo_triangle_product(B, D, theta, true, true, z);
    for (int64_t i = 0; i < B; i++) {
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] += bias[j];
        logdet[i] += row;
    }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const int64_t B = pass->rows, D = self->features;
    const flo_real *const bias = theta + D * D;
    flo_real *const S = pass->scratch;
    const double row = scales(D, theta, S);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            x[i * D + j] = z[i * D + j] - bias[j];
    flo_triangle_solve(B, D, theta, true, true, x);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            x[i * D + j] /= S[j];
    flo_triangle_solve(B, D, theta, false, true, x);
    for (int64_t i = 0; i < B; i++)
        logdet[i] -= row;
}

/* With v = S u and z = L v + b:  dL = dz^T v below the diagonal, dv = dz L,
   dS_j = sum dv_j u_j + dlogdet / S_j,  du = S dv,  dU = du^T x above it,  dx = du U.
 */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)dcontext;
    const int64_t B = pass->rows, D = self->features;
    const flo_real *const u = pass->cache;
    flo_real *const S = pass->scratch, *const dS = S + D, *const full = dS + D,
                    *const v = full + D * D;
    flo_real *const dbias = dtheta + D * D;
    scales(D, theta, S);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++) {
            v[i * D + j] = S[j] * u[i * D + j];
            dbias[j] += dz[i * D + j];
        }
    flo_product_tn(B, D, D, dz, v, 0, full);
    for (int64_t j = 0; j < D; j++)
        for (int64_t k = 0; k < j; k++)
            dtheta[j * D + k] += full[j * D + k];
    memcpy(dx, dz, (size_t)(B * D) * sizeof *dx);
    flo_triangle_product(B, D, theta, true, false, dx);
    double total = 0;
    for (int64_t i = 0; i < B; i++)
        total += dlogdet[i];
    memset(dS, 0, (size_t)D * sizeof *dS);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++) {
            dS[j] += dx[i * D + j] * u[i * D + j];
            dx[i * D + j] *= S[j];
        }
    for (int64_t j = 0; j < D; j++)
        dtheta[j * D + j] +=
            (dS[j] + (flo_real)total / S[j]) * flo_positive_slope(theta[j * D + j]);
    flo_product_tn(B, D, D, dx, x, 0, full);
    for (int64_t j = 0; j < D; j++)
        for (int64_t k = j + 1; k < D; k++)
            dtheta[j * D + k] += full[j * D + k];
    flo_triangle_product(B, D, theta, false, false, dx);
}

const flo_bijection_kind flo_lu_linear = {
    .name = "lu_linear",
    .settings = &settings,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
