/* Logit: z = log(p / (1 - p)) of p = alpha + (1 - 2 alpha) x in every column, numbers
   from 0 to 1 to the real line (Dinh et al. 2017, arXiv 1605.08803, section 4.1).

   alpha > 0 keeps 0 and 1 themselves finite, and takes numbers up to alpha / (1 - 2
   alpha) outside [0, 1]; beyond, and at the ends of (0, 1) where alpha is 0, z or
   log-determinant are not finite. 1 - p is formed from 1 - x, so p near 1 loses
   nothing. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

#include <math.h>

typedef struct logit {
    flo_scalar_layer layer;
    double alpha;
    flo_real shift, scale, log_scale; /* alpha, 1 - 2 alpha and its log */
    flo_real low, high;               /* where p stays in the inverse */
} logit;

static const flo_setting rows[] = {{.name = "alpha",
                                    .type = FLO_NUMBER,
                                    .offset = offsetof(logit, alpha),
                                    .low = 0,
                                    .high = 0.49,
                                    .fallback = "1e-6",
                                    .help = "numbers are drawn to the middle, alpha + "
                                            "(1 - 2 alpha) x, before the logit"},
                                   FLO_SCALAR_COLUMNS(logit),
                                   {.name = NULL}};
static const flo_settings settings = {
    "logit", "every column from numbers between 0 and 1 to the real line", rows};

static void forward(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *z, flo_real *log_slope)
{
    const logit *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real p = s->shift + s->scale * x[i];
        const flo_real q = s->shift + s->scale * (1 - x[i]);
        z[i] = flo_log_ratio(p, q, s->scale * (2 * x[i] - 1));
        log_slope[i] = s->log_scale - flo_log(p) - flo_log(q);
    }
}

static void inverse(const void *state, int64_t B, int64_t n, const flo_real *z,
                    flo_real *x, flo_real *log_slope)
{
    const logit *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real p = flo_sigmoid(z[i]);
        const flo_real inside = p < s->low ? s->low : p > s->high ? s->high : p;
        x[i] = (inside - s->shift) / s->scale;
        log_slope[i] = flo_log_logistic(z[i]) - s->log_scale;
    }
}

static void derivatives(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    const logit *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real p = s->shift + s->scale * x[i];
        const flo_real q = s->shift + s->scale * (1 - x[i]);
        slope[i] = s->scale / p / q;
        bend[i] = s->scale * (2 * x[i] - 1) * slope[i];
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    FLO_TRY(flo_scalar_configure(self, arena, node, &map, sizeof(logit)));
    logit *const s = self->state;
    const double least =
        s->alpha > 0 ? 4 * FLO_EPSILON * s->alpha : FLO_SMALLEST_NORMAL;
    s->shift = (flo_real)s->alpha;
    s->scale = (flo_real)(1 - 2 * s->alpha);
    s->log_scale = (flo_real)log1p(-2 * s->alpha);
    s->low = (flo_real)least;
    s->high = 1 - (s->alpha > 0 ? 4 : (flo_real)0.5) * FLO_EPSILON;
    return FLO_OK;
}

const flo_bijection_kind flo_elementwise_logit = {
    .name = "logit",
    .settings = &settings,
    .domain = FLO_UNIT_INTERVAL,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
