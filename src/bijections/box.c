/* Box: numbers between low and high to the real line, in every column, by the logit of
   where they lie: z = log((x - low) / (high - x)), log dz/dx = log(high - low) -
   log(x - low) - log(high - x). The ends are given, or the least and greatest number of
   the training data, moved out by `margin` times their distance.

   Both distances are formed from x itself, in double, so numbers close to an end keep
   their digits. At an end and beyond, z is not finite. */
#include "bijections/scalar_map.h"

#include "core/elementary.h"

#include <stdio.h>

typedef struct box {
    flo_scalar_layer layer;
    double low_setting, high_setting, margin; /* NaN: auto */
    const double *low, *high;                 /* [n], borrowed from the constants */
    flo_real *least, *greatest; /* [n], the outermost numbers inside the box */
    flo_real *log_width;        /* [n] */
} box;

static const flo_setting rows[] = {
    {.name = "low",
     .type = FLO_NUMBER,
     .offset = offsetof(box, low_setting),
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "numbers are above it; auto: from the training data, column by column"},
    {.name = "high",
     .type = FLO_NUMBER,
     .offset = offsetof(box, high_setting),
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "numbers are below it; auto: from the training data, column by column"},
    {.name = "margin",
     .type = FLO_NUMBER,
     .offset = offsetof(box, margin),
     .low = 1e-6,
     .high = 1e6,
     .fallback = "0.1",
     .help = "how far an end that is auto lies beyond the data, in units of the "
             "distance of its least from its greatest number"},
    FLO_SCALAR_COLUMNS(box),
    {.name = NULL}};
static const flo_settings settings = {
    "box", "every column from numbers between two ends to the real line", rows};

static void forward(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *z, flo_real *log_slope)
{
    const box *const s = state;
    for (int64_t i = 0; i < B; i++) {
        FLO_INDEPENDENT
        for (int64_t k = 0; k < n; k++) {
            const int64_t j = i * n + k;
            const double width = s->high[k] - s->low[k];
            const double below = (double)x[j] - s->low[k];
            const double above = s->high[k] - (double)x[j];
            const flo_real p = (flo_real)(below / width), q = (flo_real)(above / width);
            z[j] = flo_log_ratio(p, q, (flo_real)((below - above) / width));
            log_slope[j] = -flo_log(p) - flo_log(q) - s->log_width[k];
        }
    }
}

static void inverse(const void *state, int64_t B, int64_t n, const flo_real *z,
                    flo_real *x, flo_real *log_slope)
{
    const box *const s = state;
    for (int64_t i = 0; i < B; i++) {
        FLO_INDEPENDENT
        for (int64_t k = 0; k < n; k++) {
            const int64_t j = i * n + k;
            const double width = s->high[k] - s->low[k];
            const double step = width * (double)flo_sigmoid(-flo_magnitude(z[j]));
            const double found = z[j] < 0 ? s->low[k] + step : s->high[k] - step;
            x[j] = flo_inside((flo_real)found, s->least[k], s->greatest[k]);
            log_slope[j] = flo_log_logistic(z[j]) + s->log_width[k];
        }
    }
}

static void derivatives(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend)
{
    const box *const s = state;
    for (int64_t i = 0; i < B; i++) {
        FLO_INDEPENDENT
        for (int64_t k = 0; k < n; k++) {
            const int64_t j = i * n + k;
            const double below = (double)x[j] - s->low[k];
            const double above = s->high[k] - (double)x[j];
            slope[j] = (flo_real)(1 / below + 1 / above);
            bend[j] = (flo_real)(1 / above - 1 / below);
        }
    }
}

static const flo_scalar_map map = {forward, inverse, derivatives};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    int64_t ignored;
    FLO_TRY(flo_scalar_configure(self, arena, node, &map, sizeof(box)));
    box *const s = self->state;
    const int64_t n = s->layer.columns.count;
    if (s->low_setting >= s->high_setting)
        return flo_settings_fail(arena, flo_node_find(node, "high"),
                                 "a number above low, %g", s->low_setting);
    self->fitted = isnan(s->low_setting) || isnan(s->high_setting);
    FLO_TRY(flo_arena_take(arena, n, sizeof *s->least, &s->least));
    FLO_TRY(flo_arena_take(arena, n, sizeof *s->greatest, &s->greatest));
    FLO_TRY(flo_arena_take(arena, n, sizeof *s->log_width, &s->log_width));
    FLO_TRY(flo_layout_add(&self->constants, n, 0, false, &ignored, "low"));
    return flo_layout_add(&self->constants, n, 0, false, &ignored, "high");
}

/* An end that is auto, beyond the data by the margin. */
static void choose_ends(const box *s, double least, double greatest, double *low,
                        double *high)
{
    const double beyond = s->margin * (greatest - least);
    *low = isnan(s->low_setting) ? least - beyond : s->low_setting;
    *high = isnan(s->high_setting) ? greatest + beyond : s->high_setting;
}

static flo_status fit(const flo_bijection *self, flo_context *context,
                      const flo_place *place, const flo_moments *moments,
                      double *constants)
{
    (void)place;
    const box *const s = self->state;
    const int64_t n = s->layer.columns.count;
    for (int64_t k = 0; k < n; k++) {
        const int64_t j = flo_column_chosen(&s->layer.columns, k);
        const double least = self->fitted ? moments->low[j] : 0;
        const double greatest = self->fitted ? moments->high[j] : 1;
        double *const low = &constants[k], *const high = &constants[n + k];
        choose_ends(s, least, greatest, low, high);
        if (!(least < greatest && *low < *high && isfinite(*high - *low)))
            return flo_fail(
                context, FLO_ERROR_DATA,
                "box: column %lld reaches from %g to %g, so its box would "
                "be from %g to %g; wanted a column that varies inside a box "
                "of finite size; set low and high, or leave the column "
                "out of the layer's `columns`, or with data.columns",
                (long long)j, least, greatest, *low, *high);
    }
    return FLO_OK;
}

/* Of the ends, as they would be fitted now. */
static bool drift(const flo_bijection *self, const double *constants,
                  const flo_moments *moments, int64_t j, flo_drift *drift)
{
    const box *const s = self->state;
    const int64_t n = s->layer.columns.count;
    double low, high;
    if (self->passes && self->passes[j])
        return false;
    const int64_t k = flo_column_place(&s->layer.columns, j);
    const double width = constants[n + k] - constants[k];
    choose_ends(s, moments->low[j], moments->high[j], &low, &high);
    const double below = fabs(low - constants[k]),
                 above = fabs(high - constants[n + k]);
    *drift = (flo_drift){"widths of its box", (below > above ? below : above) / width,
                         (high - low) / width};
    return true;
}

/* The first flo_real that lies so far above an end that logarithms of shares of the box
   are those of normal numbers. */
static flo_real first_above(double end, double width)
{
    const double least = 2 * width * (double)FLO_SMALLEST_NORMAL;
    const flo_real x = (flo_real)(end + least);
    return (double)x - end >= least ? x : flo_next_above(x);
}

static flo_status prepare(flo_bijection *self, flo_context *context,
                          const double *constants)
{
    box *const s = self->state;
    const int64_t n = s->layer.columns.count;
    s->low = constants;
    s->high = constants + n;
    for (int64_t k = 0; k < n; k++) {
        const double width = s->high[k] - s->low[k];
        s->least[k] = first_above(s->low[k], width);
        s->greatest[k] = -first_above(-s->high[k], width);
        s->log_width[k] = (flo_real)log(width);
        if (!(s->low[k] < s->high[k] && s->least[k] < s->greatest[k]))
            return flo_fail(
                context, FLO_ERROR_FILE,
                "box: column %lld has a box from %.17g to %.17g, wanted one "
                "with numbers inside that " FLO_REAL_NAME " tells apart",
                (long long)flo_column_chosen(&s->layer.columns, k), s->low[k],
                s->high[k]);
    }
    return FLO_OK;
}

static void explain(const flo_bijection *self, int64_t j, char *text, size_t size)
{
    const box *const s = self->state;
    const int64_t k = flo_column_place(&s->layer.columns, j);
    snprintf(text, size,
             "a number inside its box, above %g and below %g; set low and high "
             "further out%s",
             s->low[k], s->high[k], self->fitted ? ", or take a larger margin" : "");
}

const flo_bijection_kind flo_box = {
    .name = "box",
    .settings = &settings,
    .fitted = true,
    .domain = FLO_INTERVAL,
    .configure = configure,
    .fit = fit,
    .drift = drift,
    .explain = explain,
    .prepare = prepare,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = flo_scalar_forward,
    .inverse = flo_scalar_inverse,
    .backward = flo_scalar_backward,
};
