/* What is done with each column, by its figures. */
#include "cli/init_columns.h"

#include <math.h>
#include <stddef.h>

/* dequantize takes more levels than this, but counts so large are as good as any
   numbers. */
static const double most_levels = 1 << 16;
/* A column with more gaps costs more rows than it is worth. */
static const double most_gaps = 0.2;
/* A share has some numbers near an end. */
static const double near_an_end = 0.05, least_spread = 0.02;
/* Where bending at 0 reaches the bulk of the numbers. */
static const double far_from_zero = 3;

typedef struct extremes {
    double low, high;
    bool whole, zeros;
} extremes;

static extremes find_extremes(const flo_profile *profile, int64_t count,
                              const flo_profile *const *others, int64_t j)
{
    const flo_column_profile *const c = &profile->column[j];
    extremes e = {c->low, c->high, c->whole, c->zeros > 0};
    for (int64_t i = 0; i < count; i++) {
        const flo_column_profile *const o = &others[i]->column[j];
        if (!o->finite)
            continue;
        e.low = fmin(e.low, o->low);
        e.high = fmax(e.high, o->high);
        e.whole = e.whole && o->whole;
        e.zeros = e.zeros || o->zeros;
    }
    return e;
}

/* Levels up to a power of two: room for greater counts than these rows have. */
static void choose_levels(const extremes *e, flo_init_column *column)
{
    const double range = e->high - e->low;
    const bool from_zero = e->low >= 0 && e->low <= range;
    column->kind = FLO_INIT_WHOLE;
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

static void choose(const flo_column_profile *c, const extremes *e,
                   flo_init_column *column)
{
    const int found = flo_profile_findings(c);
    const bool repeats = found & FLO_COLUMN_REPEATED;
    if (found & FLO_COLUMN_WHOLE && e->whole && e->high - e->low < most_levels) {
        choose_levels(e, column);
    } else if (is_share(c, e) && !repeats) {
        column->kind = FLO_INIT_UNIT;
    } else if (found & FLO_COLUMN_HEAVY && e->low > 0) {
        column->kind = FLO_INIT_LOG;
    } else if (found & FLO_COLUMN_HEAVY && isfinite(c->deviation) &&
               fabs(c->mean) < far_from_zero * c->deviation) {
        column->kind = FLO_INIT_SIGNED;
        column->scale = pow(10, floor(log10(c->deviation)) - 1);
    }
}

static const char *why_out(const flo_column_profile *c, int64_t rows)
{
    const int found = flo_profile_findings(c);
    if (found & FLO_COLUMN_EMPTY)
        return "no finite number";
    if (found & FLO_COLUMN_CONSTANT)
        return "one number in all rows";
    if (found & FLO_COLUMN_COPY)
        return "a copy of an earlier column but for unit and offset";
    if ((double)(rows - c->finite) > most_gaps * (double)rows)
        return "gaps in more than a fifth of the rows";
    return NULL;
}

void flo_init_choose(const flo_profile *profile, int64_t count,
                     const flo_profile *const *others, flo_init_column *column)
{
    for (int64_t j = 0; j < profile->columns; j++) {
        const flo_column_profile *const c = &profile->column[j];
        const extremes e = find_extremes(profile, count, others, j);
        column[j] =
            (flo_init_column){.kind = FLO_INIT_PLAIN, .why = why_out(c, profile->rows)};
        if (column[j].why)
            column[j].kind = FLO_INIT_OUT;
        else
            choose(c, &e, &column[j]);
    }
}
