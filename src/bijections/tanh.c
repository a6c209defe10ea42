/* Hyperbolic tangent with linear tails: z = tanh(x) where |x| <= bound, and beyond the
   straight line that continues it with the slope 1 - tanh(bound)^2, in every column; so
   the whole line goes to the whole line (LeakyTanh of FlowJAX). The plain tanh rounds
   to 1 and cannot be undone. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

#include <math.h>

typedef struct leaky_tanh {
    flo_scalar_layer layer;
    double bound;
    flo_real end, height;           /* bound and its tanh */
    flo_real tail, log_tail, log_4; /* slope of the tails and its log */
} leaky_tanh;

static const flo_setting rows[] = {{.name = "bound",
                                    .type = FLO_NUMBER,
                                    .offset = offsetof(leaky_tanh, bound),
                                    .low = 0.1,
                                    .high = 6,
                                    .fallback = "3",
                                    .help = "beyond it, tanh goes on as a straight "
                                            "line"},
                                   FLO_SCALAR_COLUMNS(leaky_tanh),
                                   {.name = NULL}};
static const flo_settings settings = {
    "tanh", "squeezes every column by a tanh with linear tails", rows};

static void forward(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *z, flo_real *log_slope)
{
    const leaky_tanh *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real size = flo_magnitude(x[i]);
        const flo_real line = s->height + s->tail * (size - s->end);
        const flo_real curve = flo_tanh(size), log_curve = flo_log_logistic(2 * size);
        z[i] = flo_with_sign(size > s->end ? line : curve, x[i]);
        log_slope[i] = size > s->end ? s->log_tail : s->log_4 + log_curve;
    }
}

static void inverse(const void *state, int64_t B, int64_t n, const flo_real *z,
                    flo_real *x, flo_real *log_slope)
{
    const leaky_tanh *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real size = flo_magnitude(z[i]);
        const flo_real line = s->end + (size - s->height) / s->tail;
        const flo_real curve = flo_atanh(size);
        const flo_real found = size > s->height ? line : curve;
        const flo_real log_curve = flo_log_logistic(2 * found);
        x[i] = flo_with_sign(found, z[i]);
        log_slope[i] = -(size > s->height ? s->log_tail : s->log_4 + log_curve);
    }
}

static void derivatives(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    const leaky_tanh *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real size = flo_magnitude(x[i]);
        const flo_real y = flo_tanh(x[i]);
        slope[i] = size > s->end ? s->tail : 4 * flo_exp(flo_log_logistic(2 * size));
        bend[i] = size > s->end ? 0 : -2 * y;
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    FLO_TRY(flo_scalar_configure(self, arena, node, &map, sizeof(leaky_tanh)));
    leaky_tanh *const s = self->state;
    const double cosine = cosh(s->bound);
    s->end = (flo_real)s->bound;
    s->height = (flo_real)tanh(s->bound);
    s->tail = (flo_real)(1 / (cosine * cosine));
    s->log_tail = (flo_real)(-2 * log(cosine));
    s->log_4 = (flo_real)log(4);
    return FLO_OK;
}

const flo_bijection_kind flo_elementwise_tanh = {
    .name = "tanh",
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
