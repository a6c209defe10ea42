/* What is done with each column, by its figures and a sample of its numbers. */
#include "cli/init_columns.h"

#include "cli/init_gain.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* dequantize takes more levels than this, but counts so large are as good as any
   numbers. */
static const double most_levels = 1 << 16;
/* Deviations from the middle of the levels to their ends: there the logit is a line but
   for a part in a thousand, three deviations around. */
static const double linear_reach = 64;
/* Nats, and levels a deviation, between which whole numbers are left as they are. */
static const double small = 0.005, many_levels = 100;
/* A share has some numbers near an end. */
static const double near_an_end = 0.05, least_spread = 0.02;
/* Where bending at 0 reaches the bulk of the numbers. */
static const double far_from_zero = 3;
/* A positive column that comes so near 0, in deviations, ends there. */
static const double near_zero = 0.5;
/* Standard errors of a gain that chance seldom makes. */
static const double sure = 2;
/* Few rows with another number may all be held out. */
static const int64_t few_others = 6;
static const double nearly_all = 0.8;
/* Powers of ten below the deviation: numbers far out raise that. */
enum { SCALES = 6 };

typedef struct extremes {
    double low, high;
    bool whole;
} extremes;

static extremes find_extremes(const flo_profile *profile, int64_t count,
                              const flo_profile *const *others, int64_t j)
{
    const flo_column_profile *const c = &profile->column[j];
    extremes e = {c->low, c->high, c->whole};
    for (int64_t i = 0; i < count; i++) {
        const flo_column_profile *const o = &others[i]->column[j];
        if (!o->finite)
            continue;
        e.low = fmin(e.low, o->low);
        e.high = fmax(e.high, o->high);
        e.whole = e.whole && o->whole;
    }
    return e;
}

/* Levels up to a power of two: room for greater counts than these rows have. */
static void choose_levels(const extremes *e, flo_init_column *column)
{
    const double range = e->high - e->low;
    const bool from_zero = e->low >= 0 && e->low <= range;
    column->low = from_zero && range > 3 ? 0 : (int64_t)e->low;
    const int64_t needed = (int64_t)e->high - column->low + 1;
    column->levels = needed;
    if (needed <= 4)
        return;
    for (column->levels = 8; column->levels < needed;)
        column->levels *= 2;
}

static bool is_share(const flo_column_profile *c, const extremes *e)
{
    return e->low > 0 && e->high < 1 && c->deviation > least_spread &&
           (e->low < near_an_end || e->high > 1 - near_an_end);
}

/* Levels so wide around the numbers that the logit is nearly a line where they are: the
   normal of the numbers as they are. Round ones, so that columns share a layer. */
static void choose_wide_levels(const flo_column_profile *c, const extremes *e,
                               flo_init_column *column)
{
    const double reach = fmax(e->high - c->mean, c->mean - e->low);
    double half = 16;
    while (half < 1.1 * reach + 1 ||
           (half < linear_reach * c->deviation && half < most_levels))
        half *= 2;
    const double middle = rint(16 * c->mean / half) * half / 16;
    column->low = (int64_t)(middle - half);
    column->levels = (int64_t)(2 * half);
}

/* The choice so far, and the gain that another must exceed. */
typedef struct contest {
    const flo_column_profile *profile;
    const double *x; /* [n] */
    int64_t n;
    flo_init_column *best;
    double gain;
} contest;

/* Takes the column where it gains more, by `errors` standard errors over none at all.
 */
static void enter(contest *t, const flo_init_column *bent, double errors)
{
    double error;
    const double gain = flo_init_gain(t->profile, bent, t->n, t->x, &error);
    if (gain > t->gain && gain > errors * error) {
        t->gain = gain;
        *t->best = *bent;
    }
}

static void enter_kind(contest *t, flo_init_kind kind, double scale, double errors)
{
    const flo_init_column bent = {.kind = kind, .scale = scale};
    enter(t, &bent, errors);
}

/* Whole numbers between their own bounds, or far from any; where all of that loses,
   there are so many that they are as good as any numbers. Few rows: the latter. */
static void enter_whole(contest *t, const extremes *e)
{
    flo_init_column own = {.kind = FLO_INIT_LOGIT, .whole = true}, wide = own;
    double error;
    choose_levels(e, &own);
    choose_wide_levels(t->profile, e, &wide);
    *t->best = wide;
    t->gain = flo_init_gain(t->profile, &wide, t->n, t->x, &error);
    enter(t, &own, sure);
    if (t->gain < -small && t->profile->deviation > many_levels)
        *t->best = (flo_init_column){.kind = FLO_INIT_PLAIN};
}

static void enter_signed(contest *t)
{
    const double scale = pow(10, floor(log10(t->profile->deviation)));
    for (int k = 0; k < SCALES; k++)
        enter_kind(t, FLO_INIT_SIGNED, scale * pow(10, -k), sure);
}

static void choose(const extremes *e, contest *t)
{
    const flo_column_profile *const c = t->profile;
    const int found = flo_profile_findings(c);
    const bool heavy = found & FLO_COLUMN_HEAVY;
    if (found & FLO_COLUMN_WHOLE && e->whole && e->high - e->low < most_levels) {
        enter_whole(t, e);
        return;
    }
    if (is_share(c, e) && !(found & FLO_COLUMN_REPEATED))
        enter_kind(t, FLO_INIT_LOGIT, 0, 0);
    else if (e->low > 0 && (heavy || e->low < near_zero * c->deviation))
        enter_kind(t, FLO_INIT_LOG, 0, sure);
    if (heavy && t->best->kind == FLO_INIT_PLAIN && isfinite(c->deviation) &&
        fabs(c->mean) < far_from_zero * c->deviation)
        enter_signed(t);
}

static const char *why_out(const flo_column_profile *c)
{
    const int found = flo_profile_findings(c);
    const int64_t other = c->finite - c->repeats;
    if (found & FLO_COLUMN_EMPTY)
        return "no finite number";
    if (found & FLO_COLUMN_CONSTANT)
        return "one number in all rows";
    if (found & FLO_COLUMN_COPY)
        return "a copy of an earlier column but for unit and offset";
    if (!(found & FLO_COLUMN_WHOLE) && other < few_others &&
        (double)c->repeats > nearly_all * (double)c->finite)
        return "one number in nearly all rows";
    return NULL;
}

typedef struct gappy {
    int64_t column, gaps;
} gappy;

static int compare(const void *left, const void *right)
{
    const gappy *const a = left, *const b = right;
    if (a->gaps != b->gaps)
        return a->gaps > b->gaps ? 1 : -1;
    return (a->column > b->column) - (a->column < b->column);
}

/* The columns that are kept, those with the fewest gaps first. */
static int64_t sort_by_gaps(const flo_profile *profile, const flo_init_column *column,
                            gappy *sorted)
{
    int64_t count = 0;
    for (int64_t j = 0; j < profile->columns; j++)
        if (column[j].kind != FLO_INIT_OUT)
            sorted[count++] = (gappy){j, profile->rows - profile->column[j].finite};
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return count;
}

/* How many of the sorted columns to keep, as a row is dropped for one gap: the most
   columns times the root of the share of rows. broken [rows] is room. */
static int64_t choose_count(const flo_profile_sample *sample, int64_t count,
                            const gappy *sorted, bool *broken, double *whole_rows)
{
    int64_t left = sample->rows, best = 0;
    double most = -1;
    for (int64_t k = 0; k < count; k++) {
        const double *const x = sample->x + sorted[k].column * sample->rows;
        for (int64_t i = 0; sorted[k].gaps && i < sample->rows; i++) {
            left -= !isfinite(x[i]) && !broken[i];
            broken[i] = broken[i] || !isfinite(x[i]);
        }
        const double share = (double)left / (double)sample->rows;
        const double value = (double)(k + 1) * sqrt(share);
        if (value <= most)
            continue;
        most = value;
        best = k + 1;
        *whole_rows = share;
    }
    return best;
}

static flo_status leave_gaps_out(flo_context *context, const flo_profile *profile,
                                 const flo_profile_sample *sample,
                                 flo_init_column *column, double *whole_rows)
{
    gappy *sorted = NULL;
    bool *broken = NULL;
    *whole_rows = 1;
    flo_status status =
        flo_allocate(context, profile->columns, sizeof *sorted, &sorted);
    if (status == FLO_OK)
        status = flo_allocate(context, sample->rows, sizeof *broken, &broken);
    if (status == FLO_OK) {
        const int64_t count = sort_by_gaps(profile, column, sorted);
        for (int64_t k = choose_count(sample, count, sorted, broken, whole_rows);
             k < count; k++) {
            column[sorted[k].column].kind = FLO_INIT_OUT;
            column[sorted[k].column].why = "its gaps would cost too many rows";
        }
    }
    flo_free(context, &sorted);
    flo_free(context, &broken);
    return status;
}

flo_status flo_init_choose(flo_context *context, const flo_profile *profile,
                           int64_t count, const flo_profile *const *others,
                           const flo_profile_sample *sample, flo_init_column *column,
                           double *whole_rows)
{
    for (int64_t j = 0; j < profile->columns; j++) {
        const flo_column_profile *const c = &profile->column[j];
        const extremes e = find_extremes(profile, count, others, j);
        column[j] = (flo_init_column){.kind = FLO_INIT_PLAIN, .why = why_out(c)};
        contest t = {c, sample->x + j * sample->rows, sample->rows, &column[j],
                     -INFINITY};
        if (column[j].why)
            column[j].kind = FLO_INIT_OUT;
        else
            choose(&e, &t);
    }
    return leave_gaps_out(context, profile, sample, column, whole_rows);
}
