/* Logarithm: z = log(x + offset), numbers above -offset to the real line, in every
   column; log dz/dx = -z.

   With an offset it is computed as log(offset) + log(1 + x / offset), so that numbers
   close to 0 keep their digits. At -offset and below, z is not finite. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

#include <stdio.h>

typedef struct logarithm {
    flo_scalar_layer layer;
    double offset_setting;
    flo_real offset, log_offset;
    flo_real low, high; /* the least and greatest number that the inverse gives */
} logarithm;

static const flo_setting rows[] = {
    {.name = "offset",
     .type = FLO_NUMBER,
     .offset = offsetof(logarithm, offset_setting),
     .low = 0,
     .high = 1e30,
     .fallback = "0",
     .help = "what is added before the logarithm; 1 takes counts that may be 0"},
    FLO_SCALAR_COLUMNS(logarithm),
    {.name = NULL}};
static const flo_settings settings = {"log", "every column to its logarithm", rows};

static void forward(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *z, flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        z[i] = flo_log(x[i]);
        log_slope[i] = -z[i];
    }
}

static void inverse(const void *state, int64_t B, int64_t n, const flo_real *z,
                    flo_real *x, flo_real *log_slope)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        x[i] = flo_inside(flo_exp(z[i]), FLO_SMALLEST_NORMAL, FLO_LARGEST);
        log_slope[i] = z[i];
    }
}

static void derivatives(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    (void)state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        slope[i] = 1 / x[i];
        bend[i] = -slope[i];
    }
}

static void forward_offset(const void *state, int64_t B, int64_t n, const flo_real *x,
                           flo_real *z, flo_real *log_slope)
{
    const logarithm *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        z[i] = s->log_offset + flo_log1p(x[i] / s->offset);
        log_slope[i] = -z[i];
    }
}

static void inverse_offset(const void *state, int64_t B, int64_t n, const flo_real *z,
                           flo_real *x, flo_real *log_slope)
{
    const logarithm *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        const flo_real share = flo_expm1(z[i] - s->log_offset);
        x[i] = flo_inside(s->offset * share, s->low, s->high);
        log_slope[i] = z[i];
    }
}

static void derivatives_offset(const void *state, int64_t B, int64_t n,
                               const flo_real *x, flo_real *slope, flo_real *bend)
{
    const logarithm *const s = state;
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B * n; i++) {
        slope[i] = 1 / (x[i] + s->offset);
        bend[i] = -slope[i];
    }
}

static const flo_scalar_map plain = {forward, inverse, derivatives};
static const flo_scalar_map with_offset = {forward_offset, inverse_offset,
                                           derivatives_offset};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    FLO_TRY(flo_scalar_configure(self, arena, node, &plain, sizeof(logarithm)));
    logarithm *const s = self->state;
    if (s->offset_setting == 0) {
        self->shifts = FLO_SHIFTS_FACTOR; /* it becomes an offset of z */
        return FLO_OK;
    }
    s->layer.map = &with_offset;
    s->offset = (flo_real)s->offset_setting;
    s->log_offset = flo_log(s->offset);
    s->low = flo_next_above(-s->offset);
    s->high = (s->offset < 1 ? s->offset : 1) * (FLO_LARGEST / 2);
    return FLO_OK;
}

static void explain(const flo_bijection *self, int64_t j, char *text, size_t size)
{
    const logarithm *const s = self->state;
    (void)j;
    snprintf(text, size, "a number above %g (offset: %g); raise `offset`, or take %s",
             0 - s->offset_setting, s->offset_setting,
             "{kind: signed_log}, which takes any number");
}

const flo_bijection_kind flo_elementwise_log = {
    .name = "log",
    .settings = &settings,
    .domain = FLO_POSITIVE,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .explain = explain,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
