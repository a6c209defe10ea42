/* Spline coupling: the changed half through monotone rational-quadratic splines whose
   knots are a network of the identity half and the context; with `unconditional`, the
   identity half through splines of its own (RQ-NSF (C), Durkan et al. 2019, arXiv
   1906.04032). */
#include "bijections/conditioned_splines.h"
#include "bijections/coupling.h"

#include <string.h>

typedef struct spline_coupling {
    flo_coupling coupling;
    flo_spline_settings spline;
    bool unconditional;
    int64_t own; /* offset of the identity half's parameters */
    flo_column_splines identity, changed;
} spline_coupling;

static const flo_setting rows[] = {
    FLO_COUPLING_ROWS(spline_coupling, coupling.settings),
    FLO_SPLINE_ROWS(spline_coupling, spline.),
    {.name = "unconditional",
     .type = FLO_BOOLEAN,
     .offset = offsetof(spline_coupling, unconditional),
     .fallback = "false",
     .help = "also bend the columns that pass, by splines that depend on nothing"},
    {.name = NULL}};
static const flo_settings settings = {
    "spline_coupling",
    "bends one part of the columns by splines, a network of the other", rows};

/* Cache: u [Db, P, B]. Scratch: du [Db, P, B]. Db <= D - 1, so D covers it. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    spline_coupling *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t D = self->features;
    const int64_t P = flo_column_splines_parameters(self, &s->spline);
    FLO_TRY(flo_coupling_configure(&s->coupling, self, arena, node, place, P, D * P,
                                   D * P));
    FLO_TRY(flo_column_splines_make(self, arena, node, &s->spline, s->coupling.identity,
                                    s->coupling.identity_columns, &s->identity));
    FLO_TRY(flo_column_splines_make(self, arena, node, &s->spline, s->coupling.changed,
                                    s->coupling.changed_columns, &s->changed));
    if (!s->unconditional)
        return FLO_OK;
    return flo_layout_add(&self->parameters, s->identity.count, P, false, &s->own,
                          "unconditional");
}

static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const spline_coupling *const s = self->state;
    flo_coupling_init(self, key, theta);
    if (s->unconditional)
        memset(theta + s->own, 0,
               (size_t)(s->identity.count * s->identity.parameters) * sizeof *theta);
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const spline_coupling *const s = self->state;
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    flo_coupling_condition(&s->coupling, self, theta, &memory, x, z, memory.cache);
    flo_conditioned_splines_forward(&s->changed, pass->rows, memory.cache, x, z,
                                    logdet);
    if (s->unconditional)
        flo_column_splines_forward(&s->identity, theta + s->own, pass->rows, x, z,
                                   logdet);
}

/* The identity half first: the network reads it as it was before its own splines. */
static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const spline_coupling *const s = self->state;
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    const flo_real *half = z;
    if (s->unconditional) {
        flo_column_splines_inverse(&s->identity, theta + s->own, pass->rows, z, x,
                                   logdet);
        half = x;
    }
    flo_coupling_condition(&s->coupling, self, theta, &memory, half, x, memory.cache);
    flo_conditioned_splines_inverse(&s->changed, pass->rows, memory.cache, z, x,
                                    logdet);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    const spline_coupling *const s = self->state;
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    const flo_real *half = dz;
    if (s->unconditional) {
        flo_column_splines_backward(&s->identity, theta + s->own, pass->rows, x, dz,
                                    dlogdet, dx, dtheta + s->own);
        half = dx;
    }
    flo_real *const du = memory.scratch;
    flo_conditioned_splines_backward(&s->changed, pass->rows, memory.cache, x, dz,
                                     dlogdet, dx, du);
    flo_coupling_backward(&s->coupling, self, theta, &memory, half, du, dx, dcontext,
                          dtheta);
}

const flo_bijection_kind flo_spline_coupling = {
    .name = "spline_coupling",
    .settings = &settings,
    .alternates = true,
    .circular = true,
    .configure = configure,
    .fit = flo_coupling_fit,
    .prepare = flo_coupling_prepare,
    .init = init,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
