/* Softplus: z = log(1 + e^x), the real line to positive numbers, in every column; the
   identity for large x. log dz/dx = log sigmoid(x).

   Where flo_real cannot tell z from 0, it is the smallest normal number: so the inverse
   sees a positive one. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {"softplus", "every column to positive numbers",
                                      rows};

static void forward(const void *state, int64_t n, const flo_real *x, flo_real *z,
                    flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        const flo_real y = flo_softplus(x[i]);
        z[i] = y < FLO_SMALLEST_NORMAL ? FLO_SMALLEST_NORMAL : y;
        log_slope[i] = flo_log_sigmoid(x[i]);
    }
}

static void inverse(const void *state, int64_t n, const flo_real *z, flo_real *x,
                    flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        const flo_real l = flo_log1m_exp(z[i]);
        x[i] = z[i] + l;
        log_slope[i] = -l;
    }
}

static void derivatives(const void *state, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        slope[i] = flo_sigmoid(x[i]);
        bend[i] = flo_sigmoid(-x[i]);
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    return flo_scalar_configure(self, arena, node, &map, sizeof(flo_scalar_layer));
}

const flo_bijection_kind flo_elementwise_softplus = {
    .name = "softplus",
    .settings = &settings,
    .image = FLO_POSITIVE,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
