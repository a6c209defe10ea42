/* Uniform dequantisation: z = (x - low + u) / levels of whole numbers x from low to
   low + levels - 1, u uniform in (0, 1), to numbers between 0 and 1 (Uria et al. 2013,
   arXiv 1306.0186; Theis et al. 2016, arXiv 1511.01844). log dz/dx = -log(levels), so
   that the log-density of the whole flow is that of x + u, by bins of width 1: its mean
   is a lower bound on the log-probability of the whole numbers.

   The inverse rounds down and gives x again for every u: z is moved to the nearest
   number that floors to x where rounding took it over the edge. Numbers that are not
   whole, or outside of the levels, give NaN. */
#include "bijections/column_choice.h"

#include "core/elementary.h"

#include <stdio.h>
#include <string.h>

/* So that at least 32 numbers of flo_real lie in the narrowest bin. */
#define MOST_LEVELS (0x1p-5 / (double)FLO_EPSILON)

typedef struct dequantize {
    flo_column_choice columns;
    int64_t levels_setting;     /* FLO_AUTO */
    int64_t low_setting;        /* FLO_AUTO */
    const double *low, *levels; /* [n], borrowed from the constants */
    double logdet;              /* of one row */
} dequantize;

static const flo_setting rows[] = {
    {.name = "levels",
     .type = FLO_INTEGER,
     .offset = offsetof(dequantize, levels_setting),
     .low = 1,
     .high = MOST_LEVELS,
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "how many whole numbers a column may hold, 256 for bytes; auto: from the "
             "least to the greatest of the training data, column by column"},
    {.name = "low",
     .type = FLO_INTEGER,
     .offset = offsetof(dequantize, low_setting),
     .low = -9e15,
     .high = 9e15,
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "the least of them; auto: 0 where levels are given, else the least of the "
             "training data"},
    FLO_COLUMNS_ROW(dequantize, columns),
    {.name = NULL}};
static const flo_settings settings = {
    "dequantize",
    "every column from whole numbers to numbers between 0 and 1, by "
    "uniform noise; the inverse rounds down",
    rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    dequantize *s;
    int64_t ignored;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    FLO_TRY(flo_column_choice_make(self, arena, &s->columns));
    const int64_t n = s->columns.count;
    self->state = s;
    self->fitted = s->levels_setting == FLO_AUTO;
    self->dithers = true;
    self->shifts = FLO_SHIFTS_WHOLE_ORIGIN;
    self->noise = n;
    FLO_TRY(flo_layout_add(&self->constants, n, 0, false, &ignored, "low"));
    return flo_layout_add(&self->constants, n, 0, false, &ignored, "levels");
}

/* What is taken off column j before the layer sees it: constants are of what it sees,
   settings and messages of the column itself. */
static double origin_of(const flo_bijection *self, int64_t j)
{
    return self->origin ? self->origin[j] : 0;
}

static flo_status fit_column(const flo_bijection *self, flo_context *context, int64_t j,
                             const flo_moments *moments, double *low, double *levels)
{
    const dequantize *const s = self->state;
    const double origin = origin_of(self, j);
    const double least = moments->low[j], greatest = moments->high[j];
    if (s->low_setting == FLO_AUTO)
        *low = least;
    *levels = greatest - *low + 1;
    if (least != floor(least) || greatest != floor(greatest))
        return flo_fail(context, FLO_ERROR_DATA,
                        "dequantize: column %lld reaches from %.16g to %.16g, wanted "
                        "whole numbers; leave the column out of the layer's `columns`",
                        (long long)j, least + origin, greatest + origin);
    if (!(*levels >= 1 && *levels <= MOST_LEVELS))
        return flo_fail(context, FLO_ERROR_DATA,
                        "dequantize: column %lld reaches from %.16g to %.16g, wanted "
                        "at most %.0f levels, from low %.16g on: so fine a column is "
                        "as good as continuous; leave it out of the layer's `columns`",
                        (long long)j, least + origin, greatest + origin, MOST_LEVELS,
                        *low + origin);
    return FLO_OK;
}

static flo_status fit(const flo_bijection *self, flo_context *context,
                      const flo_place *place, const flo_moments *moments,
                      double *constants)
{
    (void)place;
    const dequantize *const s = self->state;
    const int64_t n = s->columns.count;
    for (int64_t k = 0; k < n; k++) {
        const int64_t j = flo_column_chosen(&s->columns, k);
        double *const low = &constants[k], *const levels = &constants[n + k];
        *low = s->low_setting == FLO_AUTO ? 0 : (double)s->low_setting;
        *low -= origin_of(self, j);
        *levels = (double)s->levels_setting;
        if (self->fitted)
            FLO_TRY(fit_column(self, context, j, moments, low, levels));
    }
    return FLO_OK;
}

/* Of the least and the greatest level. */
static bool drift(const flo_bijection *self, const double *constants,
                  const flo_moments *moments, int64_t j, flo_drift *drift)
{
    const dequantize *const s = self->state;
    const int64_t n = s->columns.count;
    if (self->passes && self->passes[j])
        return false;
    const int64_t k = flo_column_place(&s->columns, j);
    const double low = constants[k], levels = constants[n + k];
    const double least = s->low_setting == FLO_AUTO ? moments->low[j] : low;
    const double below = fabs(least - low);
    const double above = fabs(moments->high[j] + 1 - low - levels);
    *drift = (flo_drift){"times its levels", (below > above ? below : above) / levels,
                         (moments->high[j] - least + 1) / levels};
    return true;
}

static flo_status prepare(flo_bijection *self, flo_context *context,
                          const double *constants)
{
    dequantize *const s = self->state;
    const int64_t n = s->columns.count;
    s->low = constants;
    s->levels = constants + n;
    s->logdet = 0;
    for (int64_t k = 0; k < n; k++) {
        if (!(s->levels[k] >= 1 && s->levels[k] <= MOST_LEVELS &&
              s->levels[k] == floor(s->levels[k]) && s->low[k] == floor(s->low[k])))
            return flo_fail(context, FLO_ERROR_FILE,
                            "dequantize: stored levels of column %lld are %g from %g "
                            "on, wanted 1 to %.0f from a whole number on",
                            (long long)flo_column_chosen(&s->columns, k), s->levels[k],
                            s->low[k], MOST_LEVELS);
        s->logdet -= log(s->levels[k]);
    }
    return FLO_OK;
}

/* z of level `level` and noise u: inside its bin, which the inverse floors to it. A
   step or two over an edge are all that rounding can take. */
static flo_real raise(double level, double levels, double u)
{
    flo_real z = (flo_real)((level + u) / levels);
    for (int step = 0; step < 4; step++) {
        const double found = floor((double)z * levels);
        if (found == level)
            break;
        z = found < level ? flo_next_above(z) : -flo_next_above(-z);
    }
    return z;
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)theta;
    const dequantize *const s = self->state;
    const int64_t D = self->features, n = s->columns.count;
    memcpy(z, x, (size_t)(pass->rows * D) * sizeof *z);
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t k = 0; k < n; k++) {
            const int64_t j = i * D + flo_column_chosen(&s->columns, k);
            const double level = (double)x[j] - s->low[k];
            const bool fits =
                level >= 0 && level < s->levels[k] && level == floor(level);
            z[j] = fits ? raise(level, s->levels[k], (double)pass->noise[i * n + k])
                        : (flo_real)NAN;
        }
        logdet[i] += s->logdet;
    }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)theta;
    const dequantize *const s = self->state;
    const int64_t D = self->features, n = s->columns.count;
    memcpy(x, z, (size_t)(pass->rows * D) * sizeof *x);
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t k = 0; k < n; k++) {
            const int64_t j = i * D + flo_column_chosen(&s->columns, k);
            const double level = floor((double)z[j] * s->levels[k]);
            const double above = level < 0 ? 0 : level;
            const double last = s->levels[k] - 1;
            x[j] = (flo_real)((above > last ? last : above) + s->low[k]);
        }
        logdet[i] -= s->logdet;
    }
}

/* By x + u, in which z is linear. */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)theta, (void)x, (void)dlogdet, (void)dcontext, (void)dtheta;
    const dequantize *const s = self->state;
    const int64_t D = self->features, n = s->columns.count;
    memcpy(dx, dz, (size_t)(pass->rows * D) * sizeof *dx);
    for (int64_t i = 0; i < pass->rows; i++)
        for (int64_t k = 0; k < n; k++) {
            const int64_t j = i * D + flo_column_chosen(&s->columns, k);
            dx[j] = (flo_real)((double)dz[j] / s->levels[k]);
        }
}

static void explain(const flo_bijection *self, int64_t j, char *text, size_t size)
{
    const dequantize *const s = self->state;
    const int64_t k = flo_column_place(&s->columns, j);
    snprintf(text, size,
             "a whole number from %.0f to %.0f; set levels (and low) to hold all "
             "values, or leave a column of other numbers out of the layer's `columns`",
             s->low[k] + origin_of(self, j),
             s->low[k] + origin_of(self, j) + s->levels[k] - 1);
}

const flo_bijection_kind flo_dequantize = {
    .name = "dequantize",
    .settings = &settings,
    .fitted = true,
    .domain = FLO_WHOLE_NUMBERS,
    .image = FLO_UNIT_INTERVAL,
    .configure = configure,
    .fit = fit,
    .drift = drift,
    .explain = explain,
    .prepare = prepare,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
