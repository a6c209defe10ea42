/* Additive coupling: the changed half z_b = x_b + t(x_a, c) (NICE, Dinh et al. 2015,
   arXiv 1410.8516). The volume is kept: log|det| = 0. */
#include "bijections/coupling.h"

static const flo_setting rows[] = {FLO_COUPLING_ROWS(flo_coupling, settings),
                                   {.name = NULL}};
static const flo_settings settings = {
    "additive_coupling", "shifts one part of the columns by a network of the other",
    rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    flo_coupling *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t shift = self->features; /* scratch: t [Db, B], Db < D */
    return flo_coupling_configure(s, self, arena, node, place, 1, 0, shift);
}

/* y_b = x_b + sign t */
static void shift(const flo_bijection *self, const flo_real *theta,
                  const flo_pass *pass, flo_real sign, const flo_real *x, flo_real *y)
{
    const flo_coupling *const s = self->state;
    const int64_t B = pass->rows, D = self->features, Db = s->changed_columns;
    const flo_coupling_memory memory = flo_coupling_split(s, self, pass);
    flo_real *const t = memory.scratch;
    flo_coupling_condition(s, self, theta, &memory, x, y, t);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++) {
            const int64_t at = i * D + s->changed[j];
            y[at] = x[at] + sign * t[j * B + i];
        }
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)logdet;
    shift(self, theta, pass, 1, x, z);
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)logdet;
    shift(self, theta, pass, -1, z, x);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)x, (void)dlogdet;
    const flo_coupling *const s = self->state;
    const int64_t B = pass->rows, D = self->features, Db = s->changed_columns;
    const flo_coupling_memory memory = flo_coupling_split(s, self, pass);
    flo_real *const dt = memory.scratch;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++) {
            const int64_t at = i * D + s->changed[j];
            dx[at] = dz[at];
            dt[j * B + i] = dz[at];
        }
    flo_coupling_backward(s, self, theta, &memory, dz, dt, dx, dcontext, dtheta);
}

const flo_bijection_kind flo_additive_coupling = {
    .name = "additive_coupling",
    .settings = &settings,
    .alternates = true,
    .configure = configure,
    .fit = flo_coupling_fit,
    .prepare = flo_coupling_prepare,
    .init = flo_coupling_init,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
