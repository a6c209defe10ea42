/* What is said of a column, by its figures alone. */
#include "data/profile.h"

#include <float.h>
#include <math.h>

/* A normal distribution has one row in 10^88 so far out; a gamma or Laplace column of
   10^9 rows stays inside. */
static const double far_deviations = 20;
/* Exponential 6, Student t of 5 degrees 6; log-normal of unit scale 111. */
static const double much_kurtosis = 20;
/* Each level so many times on average: fewer is what chance, or rounding on paper,
   makes of continuous numbers. */
static const int64_t repeats = 4;
static const double few_steps = 1000;

/* A share of the rows that no continuous column has at one number. */
static const double much_repeated = 0.05;

static const double epsilon = sizeof(flo_real) == 8 ? DBL_EPSILON : (double)FLT_EPSILON;

/* Whole numbers mean something only where flo_real holds halves beside them, once a
   whole origin is taken off. */
static bool is_whole(const flo_column_profile *c)
{
    return c->whole && (c->high - c->low) * epsilon < 0.5;
}

static bool has_few_levels(const flo_column_profile *c)
{
    return c->levels <= FLO_LEVELS_MOST && c->levels * repeats <= c->finite;
}

/* Whole numbers, and others of few levels, repeat by what they are: only one that more
   than half of the rows have, of many, stands out. */
static bool is_repeated(const flo_column_profile *c, bool discrete)
{
    const double share = (double)c->repeats / (double)c->finite;
    return discrete ? share >= 0.5 && c->levels > 10
                    : share >= much_repeated && c->levels > 2;
}

static bool is_heavy(const flo_column_profile *c)
{
    const double reach = fmax(c->high - c->mean, c->mean - c->low);
    return !isfinite(c->deviation) || !isfinite(c->kurtosis) ||
           reach > far_deviations * c->deviation || c->kurtosis > much_kurtosis;
}

static bool is_rounded(const flo_column_profile *c)
{
    return c->deviation < few_steps * epsilon * fabs(c->mean);
}

/* Integers of 64 bits that double has made less different than they are. */
static bool may_be_merged(const flo_column_profile *c)
{
    return c->whole && fmax(fabs(c->low), fabs(c->high)) >= 0x1p53 && is_rounded(c);
}

int flo_profile_findings(const flo_column_profile *c)
{
    if (c->finite == 0)
        return FLO_COLUMN_EMPTY;
    int found = c->nan + c->infinite > 0 ? FLO_COLUMN_GAPS : 0;
    if (may_be_merged(c))
        return found | FLO_COLUMN_ROUNDED;
    if (c->levels == 1)
        return found | FLO_COLUMN_CONSTANT;
    if (is_whole(c))
        found |= FLO_COLUMN_WHOLE;
    else if (has_few_levels(c))
        found |= FLO_COLUMN_LEVELS;
    found |= is_repeated(c, found & (FLO_COLUMN_WHOLE | FLO_COLUMN_LEVELS))
                 ? FLO_COLUMN_REPEATED
                 : 0;
    found |= c->copy_of >= 0 ? FLO_COLUMN_COPY : 0;
    found |= is_heavy(c) ? FLO_COLUMN_HEAVY : 0;
    return found | (is_rounded(c) ? FLO_COLUMN_ROUNDED : 0);
}
