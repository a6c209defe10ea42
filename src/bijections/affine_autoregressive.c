/* Affine autoregressive map: z_j = exp(s_j) x_j + t_j, where (a_j, t_j) = network(x_0
   .. x_{j-1}, c) and s = a / (1 + |a| / limit) (MAF, Papamakarios et al. 2017, arXiv
   1705.07057; as IAF, Kingma et al. 2016, arXiv 1606.04934). */
#include "bijections/autoregressive.h"
#include "bijections/scale_limit.h"

#include "core/vector.h"

typedef struct affine_autoregressive {
    flo_autoregressive autoregressive;
    double scale_limit;
} affine_autoregressive;

static const flo_setting rows[] = {
    FLO_NETWORK_ROWS(affine_autoregressive, autoregressive.settings),
    FLO_SCALE_LIMIT_ROW(affine_autoregressive, scale_limit),
    {.name = NULL}};
static const flo_settings settings = {
    "affine_autoregressive",
    "scales and shifts each column by a masked network of the columns before it", rows};

/* Cache: a and t [D, 2, B], exp(s) [D, B]. Scratch: da and dt [D, 2, B]. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    affine_autoregressive *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t D = self->features;
    self->state = s;
    return flo_autoregressive_configure(&s->autoregressive, self, arena, node, 2, 3 * D,
                                        2 * D);
}

static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const affine_autoregressive *const s = self->state;
    flo_masked_init(&s->autoregressive.masked, key, theta);
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const affine_autoregressive *const s = self->state;
    const int64_t B = pass->rows, D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    flo_real *const out = pass->cache, *const scale = out + B * 2 * D;
    flo_masked_forward(&s->autoregressive.masked, theta, &inner, x, out);
    for (int64_t j = 0; j < D; j++)
        for (int64_t i = 0; i < B; i++) {
            const flo_real scaled = flo_soft_clamp(out[2 * j * B + i], inverse_limit);
            scale[j * B + i] = scaled;
            logdet[i] += (double)scaled;
        }
    flo_vector_exp(B * D, scale, scale);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] = scale[j * B + i] * x[i * D + j] + out[(2 * j + 1) * B + i];
}

/* What sets a column of the inverse. */
typedef struct solving {
    int64_t features;
    flo_real inverse_limit;
    const flo_real *z;
    double *logdet;
    flo_real *scale; /* [B] */
} solving;

static void set_column(void *owner, int64_t j, int64_t B, const flo_real *out,
                       flo_real *x)
{
    const solving *const s = owner;
    const int64_t D = s->features;
    flo_real *const scale = s->scale;
    for (int64_t i = 0; i < B; i++) {
        scale[i] = flo_soft_clamp(out[i], s->inverse_limit);
        s->logdet[i] -= (double)scale[i];
    }
    flo_vector_exp(B, scale, scale);
    for (int64_t i = 0; i < B; i++)
        x[i * D + j] = (s->z[i * D + j] - out[B + i]) / scale[i];
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const affine_autoregressive *const s = self->state;
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    solving owner = {self->features, (flo_real)(1 / s->scale_limit), z, logdet,
                     pass->scratch};
    flo_masked_solve(&s->autoregressive.masked, theta, &inner, set_column, &owner, x);
}

/* dx = exp(s) dz and what the network adds,  ds = dz exp(s) x + dlogdet,  da = ds / (1
   + |a| / limit)^2,  dt = dz. */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    const affine_autoregressive *const s = self->state;
    const int64_t B = pass->rows, D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    const flo_real *const out = pass->cache, *const scale = out + B * 2 * D;
    flo_real *const dout = pass->scratch;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++) {
            const int64_t at = i * D + j, a = 2 * j * B + i;
            dx[at] = dz[at] * scale[j * B + i];
            dout[a] = (dx[at] * x[at] + (flo_real)dlogdet[i]) *
                      flo_soft_clamp_slope(out[a], inverse_limit);
            dout[a + B] = dz[at];
        }
    flo_masked_backward(&s->autoregressive.masked, theta, &inner, x, dout, dx, dcontext,
                        dtheta);
}

const flo_bijection_kind flo_affine_autoregressive = {
    .name = "affine_autoregressive",
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
