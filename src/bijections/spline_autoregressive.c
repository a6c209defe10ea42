/* Spline autoregressive map: every column through a monotone rational-quadratic spline
   whose knots are a masked network of the columns before it and the context (RQ-NSF
   (AR), Durkan et al. 2019, arXiv 1906.04032). */
#include "bijections/autoregressive.h"
#include "bijections/conditioned_splines.h"

typedef struct spline_autoregressive {
    flo_autoregressive autoregressive;
    flo_spline_settings spline;
    flo_column_splines columns; /* all */
} spline_autoregressive;

static const flo_setting rows[] = {
    FLO_NETWORK_ROWS(spline_autoregressive, autoregressive.settings),
    FLO_SPLINE_ROWS(spline_autoregressive, spline.),
    {.name = NULL}};
static const flo_settings settings = {
    "spline_autoregressive",
    "bends each column by a spline, a masked network of the columns before it", rows};

/* Cache: u [D, P, B]. Scratch: du [D, P, B], or u of a column. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    spline_autoregressive *s;
    int32_t *column;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t D = self->features;
    const int64_t P = flo_column_splines_parameters(self, &s->spline);
    FLO_TRY(flo_arena_take(arena, D, sizeof *column, &column));
    for (int64_t j = 0; j < D; j++)
        column[j] = (int32_t)j;
    FLO_TRY(
        flo_column_splines_make(self, arena, node, &s->spline, column, D, &s->columns));
    self->state = s;
    return flo_autoregressive_configure(&s->autoregressive, self, arena, node, P, D * P,
                                        D * P);
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
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    flo_masked_forward(&s->autoregressive.masked, theta, &inner, x, pass->cache);
    flo_conditioned_splines_forward(&s->columns, pass->rows, pass->cache, x, z, logdet);
}

/* What sets a column of the inverse. */
typedef struct solving {
    const flo_column_splines *columns;
    const flo_real *z;
    double *logdet;
    flo_real *u; /* [P, B] */
} solving;

static void set_column(void *owner, int64_t j, int64_t B, const flo_real *out,
                       flo_real *x)
{
    const solving *const s = owner;
    const flo_spline_strides at = flo_conditioned_strides(B, s->columns->features);
    const flo_spline_settings *const spline = flo_column_spline(s->columns, j);
    flo_spline_shares(spline, B, &at, out, s->u);
    flo_spline_inverse(spline, B, &at, s->u, s->z + j, x + j, s->logdet);
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const spline_autoregressive *const s = self->state;
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    solving owner = {&s->columns, z, logdet, pass->scratch};
    flo_masked_solve(&s->autoregressive.masked, theta, &inner, set_column, &owner, x);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    const spline_autoregressive *const s = self->state;
    const flo_pass inner = flo_autoregressive_pass(&s->autoregressive, self, pass);
    flo_real *const du = pass->scratch;
    flo_conditioned_splines_backward(&s->columns, pass->rows, pass->cache, x, dz,
                                     dlogdet, dx, du);
    flo_masked_backward(&s->autoregressive.masked, theta, &inner, x, du, dx, dcontext,
                        dtheta);
}

const flo_bijection_kind flo_spline_autoregressive = {
    .name = "spline_autoregressive",
    .settings = &settings,
    .circular = true,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = init,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
