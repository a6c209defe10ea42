/* Elementwise spline: every column through a learned monotone rational-quadratic
 * spline. */
#include "bijections/bijection.h"
#include "bijections/column_splines.h"

typedef struct elementwise_spline {
    flo_spline_settings settings;
    flo_column_splines splines;
} elementwise_spline;

static const flo_setting rows[] = {FLO_SPLINE_ROWS(elementwise_spline, settings.),
                                   {.name = NULL}};
static const flo_settings settings = {
    "elementwise_spline", "bends every column by a learned monotone spline", rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    elementwise_spline *s;
    int32_t *column;
    int64_t ignored;
    const int64_t D = self->features;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    FLO_TRY(flo_arena_take(arena, D, sizeof *column, &column));
    for (int64_t j = 0; j < D; j++)
        column[j] = (int32_t)j;
    FLO_TRY(flo_column_splines_make(self, arena, node, &s->settings, column, D,
                                    &s->splines));
    self->state = s;
    return flo_layout_add(&self->parameters, D, s->splines.parameters, false, &ignored,
                          "splines");
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const elementwise_spline *const s = self->state;
    flo_column_splines_forward(&s->splines, theta, pass->rows, x, z, logdet);
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const elementwise_spline *const s = self->state;
    flo_column_splines_inverse(&s->splines, theta, pass->rows, z, x, logdet);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)dcontext;
    const elementwise_spline *const s = self->state;
    flo_column_splines_backward(&s->splines, theta, pass->rows, x, dz, dlogdet, dx,
                                dtheta);
}

const flo_bijection_kind flo_elementwise_spline = {
    .name = "elementwise_spline",
    .settings = &settings,
    .circular = true,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
