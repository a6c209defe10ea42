/* Signed logarithm: z = sign(x) log(1 + |x| / scale) in every column, for heavy tails
   on both sides: close to x / scale near 0, logarithmic far from it.
   log dz/dx = -log(scale) - |z|. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

typedef struct signed_log {
    flo_scalar_layer layer;
    double scale_setting;
    flo_real scale, log_scale;
    flo_real high; /* the greatest number that the inverse gives */
} signed_log;

static const flo_setting rows[] = {
    {.name = "scale",
     .type = FLO_NUMBER,
     .offset = offsetof(signed_log, scale_setting),
     .low = 1e-30,
     .high = 1e30,
     .fallback = "1",
     .help = "size of numbers at which the straight part bends into logarithms"},
    FLO_SCALAR_COLUMNS(signed_log),
    {.name = NULL}};
static const flo_settings settings = {
    "signed_log", "every column to a logarithm of its size, with its sign", rows};

static void forward(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *z, flo_real *log_slope)
{
    const signed_log *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real size = flo_log1p(flo_magnitude(x[i]) / s->scale);
        z[i] = flo_with_sign(size, x[i]);
        log_slope[i] = -s->log_scale - size;
    }
}

static void inverse(const void *state, int64_t B, int64_t n, const flo_real *z,
                    flo_real *x, flo_real *log_slope)
{
    const signed_log *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real size = flo_magnitude(z[i]);
        const flo_real found = s->scale * flo_expm1(size);
        x[i] = flo_with_sign(found > s->high ? s->high : found, z[i]);
        log_slope[i] = s->log_scale + size;
    }
}

static void derivatives(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    const signed_log *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        slope[i] = 1 / (s->scale + flo_magnitude(x[i]));
        bend[i] = flo_with_sign(slope[i], -x[i]);
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    FLO_TRY(flo_scalar_configure(self, arena, node, &map, sizeof(signed_log)));
    signed_log *const s = self->state;
    s->scale = (flo_real)s->scale_setting;
    s->log_scale = flo_log(s->scale);
    s->high = (s->scale < 1 ? s->scale : 1) * (FLO_LARGEST / 2);
    return FLO_OK;
}

const flo_bijection_kind flo_elementwise_signed_log = {
    .name = "signed_log",
    .settings = &settings,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
