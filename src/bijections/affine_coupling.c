/* Affine coupling: the changed half z_b = exp(s) x_b + t, where (a, t) = network(x_a,
   c) and s = a / (1 + |a| / limit), a soft clamp that is the identity at 0 (RealNVP,
   Dinh et al. 2017, arXiv 1605.08803; the clamp as in zuko). */
#include "bijections/coupling.h"
#include "bijections/scale_limit.h"

#include "core/vector.h"

typedef struct affine_coupling {
    flo_coupling coupling;
    double scale_limit;
} affine_coupling;

static const flo_setting rows[] = {
    FLO_COUPLING_ROWS(affine_coupling, coupling.settings),
    FLO_SCALE_LIMIT_ROW(affine_coupling, scale_limit),
    {.name = NULL}};
static const flo_settings settings = {
    "affine_coupling",
    "scales and shifts one part of the columns by a network of the other", rows};

/* Cache: a and t [2, Db, B], exp(s) [Db, B]. Scratch: da and dt [2, Db, B]. Db < D. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    affine_coupling *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t D = self->features;
    FLO_TRY(flo_coupling_configure(&s->coupling, self, arena, node, place, 2, 3 * D,
                                   2 * D));
    return FLO_OK;
}

/* Runs the network: out [2, Db, B] is a and t; scale [Db, B] becomes exp(s); adds sign
 * sum s to logdet. */
static void condition(const affine_coupling *s, const flo_bijection *self,
                      const flo_real *theta, const flo_coupling_memory *memory,
                      const flo_real *x, flo_real *y, double sign, double *logdet)
{
    const int64_t B = memory->network.rows, Db = s->coupling.changed_columns;
    flo_real *const out = memory->cache, *const scale = out + B * 2 * Db;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    flo_coupling_condition(&s->coupling, self, theta, memory, x, y, out);
    for (int64_t j = 0; j < Db; j++)
        for (int64_t i = 0; i < B; i++) {
            const flo_real scaled = flo_soft_clamp(out[j * B + i], inverse_limit);
            scale[j * B + i] = scaled;
            logdet[i] += sign * (double)scaled;
        }
    flo_vector_exp(B * Db, scale, scale);
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const affine_coupling *const s = self->state;
    const int64_t B = pass->rows, D = self->features, Db = s->coupling.changed_columns;
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    const flo_real *const out = memory.cache, *const scale = out + B * 2 * Db;
    condition(s, self, theta, &memory, x, z, 1, logdet);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++) {
            const int64_t at = i * D + s->coupling.changed[j];
            z[at] = scale[j * B + i] * x[at] + out[(Db + j) * B + i];
        }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const affine_coupling *const s = self->state;
    const int64_t B = pass->rows, D = self->features, Db = s->coupling.changed_columns;
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    const flo_real *const out = memory.cache, *const scale = out + B * 2 * Db;
    condition(s, self, theta, &memory, z, x, -1, logdet);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++) {
            const int64_t at = i * D + s->coupling.changed[j];
            x[at] = (z[at] - out[(Db + j) * B + i]) / scale[j * B + i];
        }
}

/* dx_b = exp(s) dz_b,  ds = dz_b exp(s) x_b + dlogdet,  da = ds / (1 + |a| / limit)^2,
   dt = dz_b. */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    const affine_coupling *const s = self->state;
    const int64_t B = pass->rows, D = self->features, Db = s->coupling.changed_columns;
    const flo_coupling_memory memory = flo_coupling_split(&s->coupling, self, pass);
    const flo_real *const out = memory.cache, *const scale = out + B * 2 * Db;
    flo_real *const dout = memory.scratch;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < Db; j++) {
            const int64_t at = i * D + s->coupling.changed[j], own = j * B + i;
            const flo_real scaled = dz[at] * scale[own];
            dx[at] = scaled;
            dout[own] = (scaled * x[at] + (flo_real)dlogdet[i]) *
                        flo_soft_clamp_slope(out[own], inverse_limit);
            dout[Db * B + own] = dz[at];
        }
    flo_coupling_backward(&s->coupling, self, theta, &memory, dz, dout, dx, dcontext,
                          dtheta);
}

const flo_bijection_kind flo_affine_coupling = {
    .name = "affine_coupling",
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
