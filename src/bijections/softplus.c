/* Softplus: z = log(1 + e^x), the real line to positive numbers, in every column; the
   identity for large x. log dz/dx = log sigmoid(x). And its inverse as a kind of its
   own: z = log(e^x - 1) = x + log(1 - e^-x), log dz/dx = -log(1 - e^-x).

   Where flo_real cannot tell a softplus from 0, it is the smallest normal number: so
   its inverse sees a positive one. At 0 and below, z and log-determinant of the inverse
   are not finite. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

static const flo_setting rows[] = {FLO_COLUMNS_ROW(flo_scalar_layer, columns),
                                   {.name = NULL}};
static const flo_settings softplus_settings = {
    "softplus", "every column to positive numbers", rows};
static const flo_settings inverse_settings = {
    "inverse_softplus", "every column from positive numbers to the real line", rows};

/* y = softplus(x) and log dy/dx. */
static void soften(const void *state, int64_t B, int64_t n, const flo_real *x,
                   flo_real *y, flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real soft = flo_softplus(x[i]);
        y[i] = soft < FLO_SMALLEST_NORMAL ? FLO_SMALLEST_NORMAL : soft;
        log_slope[i] = flo_log_sigmoid(x[i]);
    }
}

/* x of y = softplus(x) and log dx/dy. */
static void harden(const void *state, int64_t B, int64_t n, const flo_real *y,
                   flo_real *x, flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real l = flo_log1m_exp(y[i]);
        x[i] = y[i] + l;
        log_slope[i] = -l;
    }
}

static void softplus_derivatives(const void *state, int64_t B, int64_t n,
                                 const flo_real *x, flo_real *slope, flo_real *bend)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        slope[i] = flo_sigmoid(x[i]);
        bend[i] = flo_sigmoid(-x[i]);
    }
}

static void inverse_derivatives(const void *state, int64_t B, int64_t n,
                                const flo_real *x, flo_real *slope, flo_real *bend)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        slope[i] = -1 / flo_expm1(-x[i]);
        bend[i] = -1 / flo_expm1(x[i]);
    }
}

static const flo_scalar_map softplus = {soften, harden, softplus_derivatives};
static const flo_scalar_map inverse = {harden, soften, inverse_derivatives};

static flo_status configure_softplus(flo_bijection *self, flo_arena *arena,
                                     flo_node *node, const flo_place *place)
{
    (void)place;
    return flo_scalar_configure(self, arena, node, &softplus, sizeof(flo_scalar_layer));
}

static flo_status configure_inverse(flo_bijection *self, flo_arena *arena,
                                    flo_node *node, const flo_place *place)
{
    (void)place;
    return flo_scalar_configure(self, arena, node, &inverse, sizeof(flo_scalar_layer));
}

const flo_bijection_kind flo_elementwise_softplus = {
    .name = "softplus",
    .settings = &softplus_settings,
    .image = FLO_POSITIVE,
    .configure = configure_softplus,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};

const flo_bijection_kind flo_elementwise_inverse_softplus = {
    .name = "inverse_softplus",
    .settings = &inverse_settings,
    .domain = FLO_POSITIVE,
    .configure = configure_inverse,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
