/* Spline coupling: the changed half through monotone rational-quadratic splines whose
   knots are a network of the identity half and the context; with `unconditional`, the
   identity half through splines of its own (RQ-NSF (C), Durkan et al. 2019, arXiv
   1906.04032). */
#include "bijections/column_splines.h"
#include "bijections/coupling.h"

#include <string.h>

typedef struct spline_coupling {
    flo_coupling coupling;
    flo_spline_settings spline;
    bool unconditional;
    int64_t own; /* offset of the identity half's parameters */
    flo_column_splines identity;
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

/* Cache: u [B, Db P]. Scratch: du [B, Db P] and five of [B, Db], or that of the column
   splines, whichever is more. Db <= D - 1, so D covers it. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    spline_coupling *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t D = self->features, P = flo_spline_parameters(&s->spline);
    FLO_TRY(flo_coupling_configure(&s->coupling, self, arena, node, place, P, D * P,
                                   D * (P + 5)));
    s->identity = (flo_column_splines){&s->spline, D, s->coupling.identity_columns,
                                       s->coupling.identity};
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
               (size_t)(s->identity.count * flo_spline_parameters(&s->spline)) *
                   sizeof *theta);
}

/* The changed columns of rows [B, D], as [B, Db]. */
static void gather(const spline_coupling *s, int64_t B, const flo_real *from,
                   flo_real *to)
{
    const int64_t D = s->identity.features, Db = s->coupling.changed_columns;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++)
            to[i * Db + j] = from[i * D + s->coupling.changed[j]];
}

/* Bends the changed columns of v into out with the knots u; adds to logdet. */
static void bend(const spline_coupling *s, bool invert, int64_t B, const flo_real *u,
                 flo_real *scratch, const flo_real *v, flo_real *out, double *logdet)
{
    const int64_t D = s->identity.features, Db = s->coupling.changed_columns;
    const int64_t P = flo_spline_parameters(&s->spline);
    flo_real *const value = scratch, *const result = value + B * Db,
                    *const slope = result + B * Db;
    gather(s, B, v, value);
    if (invert)
        flo_spline_inverse(&s->spline, B * Db, P, u, value, result, slope);
    else
        flo_spline_forward(&s->spline, B * Db, P, u, value, result, slope);
    for (int64_t i = 0; i < B; i++) {
        double total = 0;
        for (int64_t j = 0; j < Db; j++) {
            out[i * D + s->coupling.changed[j]] = result[i * Db + j];
            total += (double)slope[i * Db + j];
        }
        logdet[i] += total;
    }
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const spline_coupling *const s = self->state;
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    flo_coupling_condition(&s->coupling, self, theta, &memory, x, z, memory.cache);
    bend(s, false, pass->rows, memory.cache, memory.scratch, x, z, logdet);
    if (s->unconditional)
        flo_column_splines_forward(&s->identity, theta + s->own, pass->rows,
                                   memory.scratch, x, z, logdet);
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
        flo_column_splines_inverse(&s->identity, theta + s->own, pass->rows,
                                   memory.scratch, z, x, logdet);
        half = x;
    }
    flo_coupling_condition(&s->coupling, self, theta, &memory, half, x, memory.cache);
    bend(s, true, pass->rows, memory.cache, memory.scratch, z, x, logdet);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    const spline_coupling *const s = self->state;
    const int64_t B = pass->rows, D = self->features, Db = s->coupling.changed_columns;
    const int64_t P = flo_spline_parameters(&s->spline);
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    flo_real *const du = memory.scratch, *const value = du + B * Db * P,
                    *const dy = value + B * Db, *const dslope = dy + B * Db,
                    *const dvalue = dslope + B * Db;
    const flo_real *half = dz;
    if (s->unconditional) {
        flo_column_splines_backward(&s->identity, theta + s->own, B, memory.scratch, x,
                                    dz, dlogdet, dx, dtheta + s->own);
        half = dx;
    }
    gather(s, B, x, value);
    gather(s, B, dz, dy);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++)
            dslope[i * Db + j] = (flo_real)dlogdet[i];
    flo_spline_backward(&s->spline, B * Db, P, memory.cache, value, dy, dslope, dvalue,
                        du);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++)
            dx[i * D + s->coupling.changed[j]] = dvalue[i * Db + j];
    flo_coupling_backward(&s->coupling, self, theta, &memory, half, du, dx, dcontext,
                          dtheta);
}

const flo_bijection_kind flo_spline_coupling = {
    .name = "spline_coupling",
    .settings = &settings,
    .alternates = true,
    .configure = configure,
    .fit = flo_coupling_fit,
    .prepare = flo_coupling_prepare,
    .init = init,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
