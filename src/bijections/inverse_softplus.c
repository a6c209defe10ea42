/* Inverse softplus: z = log(e^x - 1) = x + log(1 - e^-x), positive numbers to the real
   line, in every column; the identity for large x. log dz/dx = -log(1 - e^-x). At 0 and
   below z and log-determinant are not finite. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "inverse_softplus", "every column from positive numbers to the real line", rows};

static void forward(const void *state, int64_t n, const flo_real *x, flo_real *z,
                    flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        const flo_real l = flo_log1m_exp(x[i]);
        z[i] = x[i] + l;
        log_slope[i] = -l;
    }
}

static void inverse(const void *state, int64_t n, const flo_real *z, flo_real *x,
                    flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        const flo_real y = flo_softplus(z[i]);
        x[i] = y < FLO_SMALLEST_NORMAL ? FLO_SMALLEST_NORMAL : y;
        log_slope[i] = flo_log_sigmoid(z[i]);
    }
}

static void derivatives(const void *state, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        slope[i] = -1 / flo_expm1(-x[i]);
        bend[i] = -1 / flo_expm1(x[i]);
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    return flo_scalar_configure(self, arena, node, &map, sizeof(flo_scalar_layer));
}

const flo_bijection_kind flo_elementwise_inverse_softplus = {
    .name = "inverse_softplus",
    .settings = &settings,
    .domain = FLO_POSITIVE,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
