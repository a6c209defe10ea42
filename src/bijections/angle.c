/* Angle: numbers of which every `period` is a turn, to angles between -pi and pi: z = 2
   pi x / period with whole turns taken off, in double. All branches of an angle give
   the same z, so it does not matter in which one the data are written. The layers
   behind must keep the column on its circle (flow/angles.h).

   The inverse gives the branch that the training data are in: from `low` on, up to low
   + period, which it never reaches. */
#include "bijections/column_choice.h"

#include "core/elementary.h"
#include "nn/inputs.h"

#include <math.h>

typedef struct angle {
    flo_column_choice columns;
    double period, low_setting; /* NaN: auto */
    const double *low;          /* [n], borrowed from the constants: low and period */
    double logdet;              /* of one row */
} angle;

static const flo_setting rows[] = {
    {.name = "period",
     .type = FLO_NUMBER,
     .offset = offsetof(angle, period),
     .low = 1e-30,
     .high = 1e30,
     .flags = FLO_REQUIRED,
     .help = "what a whole turn adds: 360, 24, 6.283185307179586"},
    {.name = "low",
     .type = FLO_NUMBER,
     .offset = offsetof(angle, low_setting),
     .fallback = "auto",
     .flags = FLO_AUTO_VALUE,
     .help = "samples lie from low to low + period; auto: 0 where no number of the "
             "training data is below, else -period / 2"},
    FLO_COLUMNS_ROW(angle, columns),
    {.name = NULL}};
static const flo_settings settings = {
    "angle", "columns that are angles, of any branch, to a circle", rows};

/* Which columns leave as angles: those that came so, and the chosen ones. */
static flo_status mark(flo_bijection *self, flo_arena *arena, const angle *s)
{
    bool *marked;
    FLO_TRY(flo_arena_take(arena, self->features, sizeof *marked, &marked));
    for (int64_t j = 0; j < self->features; j++)
        marked[j] = self->angles && self->angles[j];
    for (int64_t k = 0; k < s->columns.count; k++)
        marked[flo_column_chosen(&s->columns, k)] = true;
    self->makes_angles = marked;
    self->turn = s->period;
    return FLO_OK;
}

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    int64_t ignored;
    angle *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    FLO_TRY(flo_column_choice_make(self, arena, &s->columns));
    if (!s->columns.count)
        return flo_settings_fail(arena, node, "a column that is no angle yet");
    self->state = s;
    self->fitted = isnan(s->low_setting);
    s->logdet = (double)s->columns.count * log(FLO_TURN / s->period);
    FLO_TRY(mark(self, arena, s));
    FLO_TRY(
        flo_layout_add(&self->constants, s->columns.count, 0, false, &ignored, "low"));
    return flo_layout_add(&self->constants, s->columns.count, 0, false, &ignored,
                          "period");
}

static flo_status fit(const flo_bijection *self, flo_context *context,
                      const flo_place *place, const flo_moments *moments,
                      double *constants)
{
    (void)place, (void)context;
    const angle *const s = self->state;
    for (int64_t k = 0; k < s->columns.count; k++) {
        constants[k] = s->low_setting;
        constants[s->columns.count + k] = s->period;
        if (self->fitted)
            constants[k] = moments->low[flo_column_chosen(&s->columns, k)] < 0
                               ? -0.5 * s->period
                               : 0;
    }
    return FLO_OK;
}

static flo_status prepare(flo_bijection *self, flo_context *context,
                          const double *constants)
{
    angle *const s = self->state;
    for (int64_t k = 0; k < s->columns.count; k++) {
        const double period = constants[s->columns.count + k];
        if (!isfinite(constants[k]) || period != s->period)
            return flo_fail(context, FLO_ERROR_FILE,
                            "angle: stored low and period of column %lld are %g and "
                            "%.17g, wanted a number and %.17g",
                            (long long)flo_column_chosen(&s->columns, k), constants[k],
                            period, s->period);
    }
    s->low = constants;
    return FLO_OK;
}

static void copy_others(const flo_bijection *self, int64_t B, const flo_real *from,
                        flo_real *to)
{
    const int64_t D = self->features;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; self->passes && j < D; j++)
            if (self->passes[j])
                to[i * D + j] = from[i * D + j];
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)theta;
    const angle *const s = self->state;
    const int64_t D = self->features;
    copy_others(self, pass->rows, x, z);
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t k = 0; k < s->columns.count; k++) {
            const int64_t at = i * D + flo_column_chosen(&s->columns, k);
            const double turns = (double)x[at] / s->period;
            z[at] = (flo_real)(FLO_TURN * (turns - floor(turns + 0.5)));
        }
        logdet[i] += s->logdet;
    }
}

/* Rounding may take a number over either end: it is then at the lower one. */
static flo_real into_branch(double x, double low, double period)
{
    const flo_real found = (flo_real)(x - period * floor((x - low) / period));
    if (!((double)found < low || (double)found >= low + period))
        return found;
    const flo_real least = (flo_real)low;
    return (double)least < low ? flo_next_above(least) : least;
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)theta;
    const angle *const s = self->state;
    const int64_t D = self->features;
    copy_others(self, pass->rows, z, x);
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t k = 0; k < s->columns.count; k++) {
            const int64_t at = i * D + flo_column_chosen(&s->columns, k);
            x[at] =
                into_branch((double)z[at] / FLO_TURN * s->period, s->low[k], s->period);
        }
        logdet[i] -= s->logdet;
    }
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)theta, (void)x, (void)dlogdet, (void)dcontext, (void)dtheta;
    const angle *const s = self->state;
    const int64_t D = self->features;
    const flo_real slope = (flo_real)(FLO_TURN / s->period);
    copy_others(self, pass->rows, dz, dx);
    for (int64_t i = 0; i < pass->rows; i++)
        for (int64_t k = 0; k < s->columns.count; k++) {
            const int64_t at = i * D + flo_column_chosen(&s->columns, k);
            dx[at] = slope * dz[at];
        }
}

const flo_bijection_kind flo_angle = {
    .name = "angle",
    .settings = &settings,
    .fitted = true,
    .configure = configure,
    .fit = fit,
    .prepare = prepare,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
