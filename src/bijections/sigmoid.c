/* Sigmoid: z = 1 / (1 + e^-x), the real line to (0, 1), in every column.

   Where flo_real cannot tell z from 0 or 1, z is the number nearest to it inside the
   interval: so the next layer, and the inverse, see finite numbers. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

static const flo_setting rows[] = {FLO_COLUMNS_ROW(flo_scalar_layer, columns),
                                   {.name = NULL}};
static const flo_settings settings = {"sigmoid",
                                      "every column to numbers between 0 and 1", rows};

/* p, where it is not a number inside (0, 1), the nearest one. NaN stays. */
static flo_real inside(flo_real p)
{
    const flo_real high = 1 - FLO_EPSILON / 2;
    return p < FLO_SMALLEST_NORMAL ? FLO_SMALLEST_NORMAL : p > high ? high : p;
}

static void forward(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *z, flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        z[i] = inside(flo_sigmoid(x[i]));
        log_slope[i] = flo_log_logistic(x[i]);
    }
}

static void inverse(const void *state, int64_t B, int64_t n, const flo_real *z,
                    flo_real *x, flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        x[i] = flo_logit(z[i]);
        log_slope[i] = -flo_log_logistic(x[i]);
    }
}

static void derivatives(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        slope[i] = flo_exp(flo_log_logistic(x[i]));
        bend[i] = flo_sigmoid(-x[i]) - flo_sigmoid(x[i]);
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    return flo_scalar_configure(self, arena, node, &map, sizeof(flo_scalar_layer));
}

const flo_bijection_kind flo_elementwise_sigmoid = {
    .name = "sigmoid",
    .settings = &settings,
    .image = FLO_UNIT_INTERVAL,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
