/* Product of Householder reflections: z = H_K ... H_1 x with H_k = I - 2 u_k u_k^T, u_k
   = v_k / |v_k| learned; orthogonal, so log|det| = 0 (Tomczak & Welling 2016, arXiv
   1611.09630).

   They start in pairs of equal random vectors, the identity; one that is left over is a
   random reflection. */
#include "bijections/bijection.h"

#include "bijections/reflections.h"

static const flo_setting rows[] = {{.name = "reflections",
                                    .type = FLO_INTEGER,
                                    .offset = offsetof(flo_reflections, count),
                                    .low = 1,
                                    .high = 10000,
                                    .fallback = "8",
                                    .help = "how many; an even number starts as the "
                                            "identity"},
                                   {.name = NULL}};
static const flo_settings settings = {
    "householder", "rotates the columns by learned reflections", rows};

/* Cache: a [B, K]. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    flo_reflections *s;
    int64_t ignored;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    s->features = self->features;
    self->cache = s->count;
    self->scratch_fixed = flo_reflections_scratch(s, 0);
    self->scratch = flo_reflections_scratch(s, 1) - self->scratch_fixed;
    self->state = s;
    return flo_layout_add(&self->parameters, s->count, s->features, false, &ignored,
                          "vectors");
}

static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const flo_reflections *const s = self->state;
    const int64_t D = self->features;
    for (int64_t k = 0; k < s->count; k++)
        flo_random_normal(key, (uint64_t)(k / 2 * D), D, theta + k * D);
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)logdet;
    flo_reflections_apply(self->state, theta, true, pass->rows, x, z, pass->cache,
                          pass->scratch);
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)logdet;
    flo_reflections_apply(self->state, theta, false, pass->rows, z, x, pass->cache,
                          pass->scratch);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)dlogdet, (void)dcontext;
    flo_reflections_backward(self->state, theta, pass->rows, x, pass->cache, dz, dx,
                             dtheta, pass->scratch);
}

const flo_bijection_kind flo_householder = {
    .name = "householder",
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
