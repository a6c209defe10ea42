/* Spline autoregressive map: every column through a monotone rational-quadratic spline
   whose knots are a masked network of the columns before it and the context (RQ-NSF
   (AR), Durkan et al. 2019, arXiv 1906.04032). */
#include "bijections/autoregressive.h"
#include "bijections/spline.h"

typedef struct spline_autoregressive {
    flo_autoregressive autoregressive;
    flo_spline_settings spline;
} spline_autoregressive;

static const flo_setting rows[] = {
    FLO_NETWORK_ROWS(spline_autoregressive, autoregressive.settings),
    FLO_SPLINE_ROWS(spline_autoregressive, spline.),
    {.name = NULL}};
static const flo_settings settings = {
    "spline_autoregressive",
    "bends each column by a spline, a masked network of the columns before it", rows};

/* Cache: u [B, D, P]. Scratch: log-slopes [B, D] and du [B, D, P], or three of [B]. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    spline_autoregressive *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t D = self->features, P = flo_spline_parameters(&s->spline);
    self->state = s;
    return flo_autoregressive_configure(&s->autoregressive, self, arena, node, P, D * P,
                                        D * (1 + P));
}

static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const spline_autoregressive *const s = self->state;
    flo_masked_init(&s->autoregressive.masked, key, theta);
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const spline_autoregressive *const s = self->state;
    const int64_t B = pass->rows, D = self->features;
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    flo_real *const u = pass->cache, *const slope = pass->scratch;
    flo_masked_forward(&s->autoregressive.masked, theta, &inner, x, u);
    flo_spline_forward(&s->spline, B * D, flo_spline_parameters(&s->spline), u, x, z,
                       slope);
    for (int64_t i = 0; i < B; i++) {
        double total = 0;
        for (int64_t j = 0; j < D; j++)
            total += (double)slope[i * D + j];
        logdet[i] += total;
    }
}

/* What sets a column of the inverse. */
typedef struct solving {
    const flo_spline_settings *spline;
    int64_t features;
    const flo_real *z;
    double *logdet;
    flo_real *column; /* [3, B]: of z, of x, log-slopes */
} solving;

static void set_column(void *owner, int64_t j, int64_t B, const flo_real *out,
                       flo_real *x)
{
    const solving *const s = owner;
    const int64_t D = s->features;
    flo_real *const from = s->column, *const to = from + B, *const slope = to + B;
    for (int64_t i = 0; i < B; i++)
        from[i] = s->z[i * D + j];
    flo_spline_inverse(s->spline, B, flo_spline_parameters(s->spline), out, from, to,
                       slope);
    for (int64_t i = 0; i < B; i++) {
        x[i * D + j] = to[i];
        s->logdet[i] += (double)slope[i];
    }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const spline_autoregressive *const s = self->state;
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    solving owner = {&s->spline, self->features, z, logdet, pass->scratch};
    flo_masked_solve(&s->autoregressive.masked, theta, &inner, set_column, &owner, x);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    const spline_autoregressive *const s = self->state;
    const int64_t B = pass->rows, D = self->features;
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    flo_real *const dslope = pass->scratch, *const du = dslope + B * D;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            dslope[i * D + j] = (flo_real)dlogdet[i];
    flo_spline_backward(&s->spline, B * D, flo_spline_parameters(&s->spline),
                        pass->cache, x, dz, dslope, dx, du);
    flo_masked_backward(&s->autoregressive.masked, theta, &inner, x, du, dx, dcontext,
                        dtheta);
}

const flo_bijection_kind flo_spline_autoregressive = {
    .name = "spline_autoregressive",
    .settings = &settings,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = init,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
