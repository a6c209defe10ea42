/* Sylvester flow: z = x + Q R1 tanh(R2 Q^T x + b) (van den Berg et al. 2018, arXiv
   1803.05649), Q [D, M] orthonormal, R1 and R2 upper triangular.

   Q^T = W is the first M rows of the identity after K learned Householder reflections
   (section 3.3 there). By Sylvester's identity the determinant is that of the M columns
   y = W x, a triangle: prod_j s_j (1 - h_j^2) + h_j^2 with h = tanh a, a = R2 y + b and
   s_j = 1 + (R1 R2)_jj > 0, which also makes the map invertible (theorem 2 there).

   One tensor `triangles` [M, M] holds R1 above its diagonal, R2^T below it and t on it,
   s = positive(t); r2 = positive(raw_r2) > 0 is the diagonal of R2 (what a sign would
   add, that of b and of R1's columns has already) and r1 = (s - 1) / r2 that of R1. At
   the start R1 = 0, hence the map is the identity, R2 = I and W is random, hence R1 has
   a gradient.

   The inverse solves for y from the last column up: with f = (W z)_j less the terms of
   R1 in columns that are known, e the terms of R2 in them and b_j,
   a + (s_j - 1) tanh a = r2_j f + e, y_j = f - r1_j tanh a (tanh_equation.h). Then x =
   z - Q R1 tanh(a). Where that has no solution (z is not finite) NaN goes through to
   logdet. */
#include "bijections/bijection.h"

#include "bijections/positive.h"
#include "bijections/reflections.h"
#include "bijections/tanh_equation.h"
#include "core/vector.h"
#include "linalg/products.h"

#include <string.h>

enum { RANK_AT_MOST = 16 }; /* of rank: auto */

typedef struct sylvester {
    int64_t rank; /* M */
    int64_t reflections;
    flo_reflections q;
    int64_t triangles, raw_r2, b; /* offsets; the vectors of Q come first */
} sylvester;

static const flo_setting rows[] = {
    {.name = "rank",
     .type = FLO_INTEGER,
     .offset = offsetof(sylvester, rank),
     .low = 1,
     .high = 10000,
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "dimensions of the space in which rows are moved, at most the columns; "
             "auto: all columns, but at most 16"},
    {.name = "reflections",
     .type = FLO_INTEGER,
     .offset = offsetof(sylvester, reflections),
     .low = 1,
     .high = 10000,
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "Householder reflections that turn that space; auto: as many as rank, "
             "which reach any"},
    {.name = NULL}};
static const flo_settings settings = {
    "sylvester",
    "bends space along several directions together; its inverse is numerical", rows};

static flo_status read_settings(flo_bijection *self, flo_arena *arena, flo_node *node,
                                sylvester *s)
{
    const int64_t D = self->features;
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    if (s->rank == FLO_AUTO)
        s->rank = D < RANK_AT_MOST ? D : RANK_AT_MOST;
    if (s->rank > D)
        return flo_settings_fail(arena, flo_node_find(node, "rank"),
                                 "at most the number of columns, %lld", (long long)D);
    s->q = (flo_reflections){s->reflections == FLO_AUTO ? s->rank : s->reflections, D};
    return FLO_OK;
}

/* The matrices of a layer, in the fixed part of the scratch. */
typedef struct matrices {
    flo_real *R1, *R2; /* [M, M] */
    flo_real *s;       /* [M] */
    flo_real *W;       /* [M, D] */
    flo_real *E;       /* [M, D], the first rows of the identity */
    flo_real *a;       /* [M, K] of the reflections */
    flo_real *dR;      /* [M, M] */
    flo_real *dW, *dE; /* [M, D] */
    flo_real *of_q;    /* scratch of the reflections */
    flo_real *of_rows; /* 4 times [B, M] */
} matrices;

static matrices matrices_in(const sylvester *s, flo_real *scratch)
{
    const int64_t M = s->rank, D = s->q.features;
    matrices m = {.R1 = scratch};
    m.R2 = m.R1 + M * M;
    m.dR = m.R2 + M * M;
    m.s = m.dR + M * M;
    m.W = m.s + M;
    m.E = m.W + M * D;
    m.dW = m.E + M * D;
    m.dE = m.dW + M * D;
    m.a = m.dE + M * D;
    m.of_q = m.a + M * s->q.count;
    m.of_rows = m.of_q + flo_reflections_scratch(&s->q, M);
    return m;
}

/* Cache: h and y, [B, M] each. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    sylvester *s;
    int64_t ignored;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(read_settings(self, arena, node, s));
    const int64_t M = s->rank, D = self->features, K = s->q.count;
    self->cache = 2 * M;
    self->scratch = 4 * M;
    self->scratch_fixed =
        M * (3 * M + 1 + 4 * D + K) + flo_reflections_scratch(&s->q, M);
    self->state = s;
    flo_layout *const p = &self->parameters;
    FLO_TRY(flo_layout_add(p, K, D, false, &ignored, "reflections"));
    FLO_TRY(flo_layout_add(p, M, M, false, &s->triangles, "triangles"));
    FLO_TRY(flo_layout_add(p, M, 0, false, &s->raw_r2, "raw_r2"));
    return flo_layout_add(p, M, 0, false, &s->b, "b");
}

/* Reflection k maps e_k to a random direction g: v = g - |g| e_k. Those beyond the rank
   are random. */
static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const sylvester *const s = self->state;
    const int64_t D = s->q.features, K = s->q.count;
    flo_bijection_init_zero(self, key, theta);
    flo_random_normal(key, 0, K * D, theta);
    for (int64_t k = 0; k < K && k < s->rank; k++)
        theta[k * D + k] -= (flo_real)sqrt(flo_vector_sum_squares(D, theta + k * D));
}

/* Fills R1, R2, s, W, E and a. */
static matrices build(const sylvester *s, const flo_real *theta, flo_real *scratch)
{
    const int64_t M = s->rank, D = s->q.features;
    const flo_real *const T = theta + s->triangles;
    const matrices m = matrices_in(s, scratch);
    memset(m.R1, 0, (size_t)(2 * M * M) * sizeof *m.R1);
    memset(m.E, 0, (size_t)(M * D) * sizeof *m.E);
    for (int64_t j = 0; j < M; j++) {
        m.s[j] = flo_positive(T[j * M + j]);
        m.R2[j * M + j] = flo_positive(theta[s->raw_r2 + j]);
        m.R1[j * M + j] = (m.s[j] - 1) / m.R2[j * M + j];
        m.E[j * D + j] = 1;
        for (int64_t k = j + 1; k < M; k++) {
            m.R1[j * M + k] = T[j * M + k];
            m.R2[j * M + k] = T[k * M + j];
        }
    }
    flo_reflections_apply(&s->q, theta, true, M, m.E, m.W, m.a, m.of_q);
    return m;
}

/* log|det| of one row from h [M]. */
static double log_determinant(int64_t M, const flo_real *s, const flo_real *h)
{
    double sum = 0;
    for (int64_t j = 0; j < M; j++)
        sum += log(flo_tanh_equation_slope((double)s[j], (double)h[j]));
    return sum;
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const sylvester *const s = self->state;
    const int64_t B = pass->rows, D = s->q.features, M = s->rank;
    const flo_real *const b = theta + s->b;
    const matrices m = build(s, theta, pass->scratch);
    flo_real *const h = pass->cache, *const y = h + B * M, *const move = m.of_rows;
    flo_product_nt(B, M, D, x, m.W, 0, y);
    flo_product_nt(B, M, M, y, m.R2, 0, h);
    for (int64_t i = 0; i < B * M; i++)
        h[i] += b[i % M];
    flo_vector_tanh(B * M, h, h);
    flo_product_nt(B, M, M, h, m.R1, 0, move);
    memcpy(z, x, (size_t)(B * D) * sizeof *z);
    flo_product_nn(B, D, M, move, m.W, 1, z);
    for (int64_t i = 0; i < B; i++)
        logdet[i] += log_determinant(M, m.s, h + i * M);
}

/* From f = W z [M] of a row: h, y and move = -R1 h, [M] each. */
static void solve_row(int64_t M, const matrices *m, const flo_real *b,
                      const flo_real *f, flo_real *h, flo_real *y, flo_real *move)
{
    for (int64_t j = M - 1; j >= 0; j--) {
        const flo_real *const r1 = m->R1 + j * M, *const r2 = m->R2 + j * M;
        double known = 0, e = (double)b[j];
        for (int64_t k = j + 1; k < M; k++) {
            known += (double)r1[k] * (double)h[k];
            e += (double)r2[k] * (double)y[k];
        }
        const double rest = (double)f[j] - known, s = (double)m->s[j];
        const double tanh_a = tanh(flo_tanh_equation_root(s, (double)r2[j] * rest + e));
        const double own = (double)r1[j] * tanh_a;
        h[j] = (flo_real)tanh_a;
        y[j] = (flo_real)(rest - own);
        move[j] = (flo_real) - (known + own);
    }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const sylvester *const s = self->state;
    const int64_t B = pass->rows, D = s->q.features, M = s->rank;
    const matrices m = build(s, theta, pass->scratch);
    flo_real *const f = m.of_rows, *const h = f + B * M, *const y = h + B * M,
                    *const move = y + B * M;
    flo_product_nt(B, M, D, z, m.W, 0, f);
    for (int64_t i = 0; i < B; i++) {
        solve_row(M, &m, theta + s->b, f + i * M, h + i * M, y + i * M, move + i * M);
        logdet[i] -= log_determinant(M, m.s, h + i * M);
    }
    memcpy(x, z, (size_t)(B * D) * sizeof *x);
    flo_product_nn(B, D, M, move, m.W, 1, x);
}

/* From dh [B, M], in place: da = (dh + dlogdet 2 h (1 - s) / det)(1 - h^2), with det =
   s (1 - h^2) + h^2. Adds to db [M], and to the diagonal of dT [M, M] what comes
   through the determinant. */
static void backward_tanh(int64_t B, int64_t M, const matrices *m, const flo_real *T,
                          const flo_real *h, const double *dlogdet, flo_real *da,
                          flo_real *db, flo_real *dT)
{
    for (int64_t j = 0; j < M; j++) {
        const double s = (double)m->s[j];
        double ds = 0, sum = 0;
        for (int64_t i = j; i < B * M; i += M) {
            const double t = (double)h[i], bend = (1 - t) * (1 + t);
            const double d = dlogdet[i / M] / flo_tanh_equation_slope(s, t);
            const double one = ((double)da[i] + 2 * d * t * (1 - s)) * bend;
            ds += d * bend;
            sum += one;
            da[i] = (flo_real)one;
        }
        db[j] += (flo_real)sum;
        dT[j * M + j] += (flo_real)(ds * (double)flo_positive_slope(T[j * M + j]));
    }
}

/* Adds the derivatives by the parameters of R1 and R2, from dR1 or, second, dR2 [M, M].
   With r1 = (s - 1) / r2:  ds = dr1 / r2,  dr2 = -dr1 r1 / r2. */
static void backward_triangle(const sylvester *s, const matrices *m, bool second,
                              const flo_real *theta, flo_real *dtheta)
{
    const int64_t M = s->rank;
    const flo_real *const T = theta + s->triangles, *const raw = theta + s->raw_r2;
    flo_real *const dT = dtheta + s->triangles, *const draw = dtheta + s->raw_r2;
    for (int64_t j = 0; j < M; j++) {
        const flo_real d = m->dR[j * M + j], r2 = m->R2[j * M + j];
        const flo_real dr2 = second ? d : -d * m->R1[j * M + j] / r2;
        draw[j] += dr2 * flo_positive_slope(raw[j]);
        if (!second)
            dT[j * M + j] += d / r2 * flo_positive_slope(T[j * M + j]);
        for (int64_t k = j + 1; k < M; k++)
            dT[second ? k * M + j : j * M + k] += m->dR[j * M + k];
    }
}

/* With move = R1 h, z = x + move W:  dmove = dz W^T,  dR1 = dmove^T h,  dh = dmove R1;
   with a = R2 y + b:  dR2 = da^T y,  dy = da R2;  with y = W x:  dx = dz + dy W,  dW =
   move^T dz + dy^T x. */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)dcontext;
    const sylvester *const s = self->state;
    const int64_t B = pass->rows, D = s->q.features, M = s->rank;
    const matrices m = build(s, theta, pass->scratch);
    const flo_real *const h = pass->cache, *const y = h + B * M;
    flo_real *const move = m.of_rows, *const dmove = move + B * M,
                    *const da = dmove + B * M, *const dy = da + B * M;
    flo_product_nt(B, M, M, h, m.R1, 0, move);
    flo_product_nt(B, M, D, dz, m.W, 0, dmove);
    flo_product_tn(B, M, M, dmove, h, 0, m.dR);
    backward_triangle(s, &m, false, theta, dtheta);
    flo_product_nn(B, M, M, dmove, m.R1, 0, da);
    backward_tanh(B, M, &m, theta + s->triangles, h, dlogdet, da, dtheta + s->b,
                  dtheta + s->triangles);
    flo_product_tn(B, M, M, da, y, 0, m.dR);
    backward_triangle(s, &m, true, theta, dtheta);
    flo_product_nn(B, M, M, da, m.R2, 0, dy);
    memcpy(dx, dz, (size_t)(B * D) * sizeof *dx);
    flo_product_nn(B, D, M, dy, m.W, 1, dx);
    flo_product_tn(B, M, D, move, dz, 0, m.dW);
    flo_product_tn(B, M, D, dy, x, 1, m.dW);
    flo_reflections_backward(&s->q, theta, M, m.E, m.a, m.dW, m.dE, dtheta, m.of_q);
}

const flo_bijection_kind flo_sylvester = {
    .name = "sylvester",
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
