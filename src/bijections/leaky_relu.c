/* Leaky rectifier: z = x where x >= 0, else slope x, in every column. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

#include <math.h>

typedef struct leaky_relu {
    flo_scalar_layer layer;
    double slope;
    flo_real below, log_below; /* slope and its log */
} leaky_relu;

static const flo_setting rows[] = {{.name = "slope",
                                    .type = FLO_NUMBER,
                                    .offset = offsetof(leaky_relu, slope),
                                    .low = 1e-3,
                                    .high = 1e3,
                                    .fallback = "0.01",
                                    .help = "by which negative numbers are multiplied"},
                                   FLO_SCALAR_COLUMNS(leaky_relu),
                                   {.name = NULL}};
static const flo_settings settings = {
    "leaky_relu", "scales the negative numbers of every column", rows};

static void forward(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *z, flo_real *log_slope)
{
    const leaky_relu *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real y = s->below * x[i];
        z[i] = x[i] < 0 ? y : x[i];
        log_slope[i] = x[i] < 0 ? s->log_below : 0;
    }
}

static void inverse(const void *state, int64_t B, int64_t n, const flo_real *z,
                    flo_real *x, flo_real *log_slope)
{
    const leaky_relu *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real y = z[i] / s->below;
        x[i] = z[i] < 0 ? y : z[i];
        log_slope[i] = z[i] < 0 ? -s->log_below : 0;
    }
}

static void derivatives(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    const leaky_relu *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        slope[i] = x[i] < 0 ? s->below : 1;
        bend[i] = 0;
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    FLO_TRY(flo_scalar_configure(self, arena, node, &map, sizeof(leaky_relu)));
    leaky_relu *const s = self->state;
    s->below = (flo_real)s->slope;
    s->log_below = (flo_real)log(s->slope);
    return FLO_OK;
}

const flo_bijection_kind flo_elementwise_leaky_relu = {
    .name = "leaky_relu",
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
