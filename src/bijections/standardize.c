/* Standardisation: z = (x - mean) / deviation, constants fitted to the training data.
 */
#include "bijections/column_choice.h"

#include <math.h>

typedef struct standardize {
    flo_column_choice columns;      /* the others have mean 0 and deviation 1 */
    const double *mean, *deviation; /* [D], borrowed from the flow's constants */
    double logdet;                  /* of one row */
} standardize;

static const flo_setting rows[] = {FLO_COLUMNS_ROW(standardize, columns),
                                   {.name = NULL}};
static const flo_settings settings = {
    "standardize", "every column to mean 0 and standard deviation 1", rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    int64_t ignored;
    standardize *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    FLO_TRY(flo_column_choice_make(self, arena, &s->columns));
    self->state = s;
    self->shifts = FLO_SHIFTS_BOTH;
    FLO_TRY(
        flo_layout_add(&self->constants, self->features, 0, false, &ignored, "mean"));
    return flo_layout_add(&self->constants, self->features, 0, false, &ignored,
                          "deviation");
}

static flo_status fit(const flo_bijection *self, flo_context *context,
                      const flo_place *place, const flo_moments *moments,
                      double *constants)
{
    (void)place;
    const standardize *const s = self->state;
    const int64_t D = self->features;
    for (int64_t j = 0; j < D; j++) {
        constants[j] = 0;
        constants[D + j] = 1;
    }
    for (int64_t k = 0; k < s->columns.count; k++) {
        const int64_t j = flo_column_chosen(&s->columns, k);
        const double mean = moments->mean[j], deviation = moments->deviation[j];
        if (!(deviation > 0) || !isfinite(deviation))
            return flo_fail(context, FLO_ERROR_DATA,
                            "standardize: column %lld has standard deviation %g (mean "
                            "%g), wanted a column that varies; leave the constant "
                            "column out with data.columns or data.context, or out of "
                            "the layer's `columns`",
                            (long long)j, deviation, mean);
        constants[j] = mean;
        constants[D + j] = deviation;
    }
    return FLO_OK;
}

static bool drift(const flo_bijection *self, const double *constants,
                  const flo_moments *moments, int64_t j, flo_drift *drift)
{
    const double mean = constants[j], deviation = constants[self->features + j];
    *drift =
        (flo_drift){"standard deviations", fabs(moments->mean[j] - mean) / deviation,
                    moments->deviation[j] / deviation};
    return !self->passes || !self->passes[j];
}

static flo_status prepare(flo_bijection *self, flo_context *context,
                          const double *constants)
{
    standardize *const s = self->state;
    s->mean = constants;
    s->deviation = constants + self->features;
    s->logdet = 0;
    for (int64_t j = 0; j < self->features; j++) {
        if (!(s->deviation[j] > 0))
            return flo_fail(
                context, FLO_ERROR_FILE,
                "standardize: stored deviation of column %lld is %g, wanted a "
                "positive number",
                (long long)j, s->deviation[j]);
        s->logdet -= log(s->deviation[j]);
    }
    return FLO_OK;
}

/* In double: x may be large against its deviation. */
static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)theta;
    const standardize *const s = self->state;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] =
                (flo_real)(((double)x[i * D + j] - s->mean[j]) / s->deviation[j]);
        logdet[i] += s->logdet;
    }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)theta;
    const standardize *const s = self->state;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t j = 0; j < D; j++)
            x[i * D + j] =
                (flo_real)((double)z[i * D + j] * s->deviation[j] + s->mean[j]);
        logdet[i] -= s->logdet;
    }
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)theta, (void)x, (void)dlogdet, (void)dcontext, (void)dtheta;
    const standardize *const s = self->state;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows; i++)
        for (int64_t j = 0; j < D; j++)
            dx[i * D + j] = (flo_real)((double)dz[i * D + j] / s->deviation[j]);
}

const flo_bijection_kind flo_standardize = {
    .name = "standardize",
    .settings = &settings,
    .fitted = true,
    .configure = configure,
    .fit = fit,
    .drift = drift,
    .prepare = prepare,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
