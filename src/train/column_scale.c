/* The origin and factor of a column, by its quartiles and extremes. */
#include "train/column_scale.h"

#include "core/elementary.h"

#include <stdlib.h>

/* Half a unit in the last place, against the distance of the quartiles: moves a score
   by about as many nats. */
static const double most_rounding = 1e-5;

/* Exponents of two that numbers of a sample keep to: others may go further. */
enum {
    LARGEST = sizeof(flo_real) == 8 ? 1018 : 122,
    LEAST = -LARGEST,     /* under a logarithm, which wants all digits */
    SMALL = -LARGEST + 22 /* elsewhere, where smaller ones lose digits */
};

typedef struct sample {
    int64_t n;
    const double *value; /* [n], finite, rising */
    double low, high;    /* quartiles */
    double spread;       /* their distance; that of the extremes where it is 0 */
    bool whole, exact;   /* all are whole; flo_real holds all */
} sample;

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static sample describe(int64_t n, double *value)
{
    int64_t kept = 0;
    sample s = {.value = value, .whole = true, .exact = true};
    for (int64_t i = 0; i < n; i++)
        if (isfinite(value[i]))
            value[kept++] = value[i];
    qsort(value, (size_t)kept, sizeof *value, compare);
    s.n = kept;
    for (int64_t i = 0; i < kept; i++) {
        s.whole = s.whole && value[i] == floor(value[i]) && fabs(value[i]) <= 0x1p64;
        s.exact = s.exact && (double)(flo_real)value[i] == value[i];
    }
    /* Of integers of 64 bits double has rounded these already. */
    if (kept)
        s.exact = s.exact && fmax(fabs(value[0]), fabs(value[kept - 1])) < 0x1p53;
    s.low = kept ? value[kept / 4] : 0;
    s.high = kept ? value[kept - 1 - kept / 4] : 0;
    s.spread = s.high - s.low;
    if (s.spread == 0 && kept)
        s.spread = value[kept - 1] - value[0];
    return s;
}

/* Whether flo_real rounds numbers by too much of their spread. A sample of one number
   tells of none: those that whole numbers are lost beside count. */
static bool loses_digits(const sample *s)
{
    const double rounding = 0.5 * FLO_EPSILON * fmax(fabs(s->low), fabs(s->high));
    const double range = s->value[s->n - 1] - s->value[0];
    if (s->spread == 0)
        return rounding >= 0.5;
    return rounding > most_rounding * s->spread ||
           (s->whole && range * FLO_EPSILON < 0.5);
}

/* The middle, to as many bits as the spread needs: whole where numbers are. */
static double choose_origin(const sample *s)
{
    const double middle = s->value[s->n / 2];
    if (s->spread == 0)
        return middle;
    const double step = ldexp(1, ilogb(s->spread));
    const double origin = step * nearbyint(middle / step);
    /* The first number that an integer of 64 bits does not hold. */
    return fabs(origin) == 0x1p63 || origin == 0x1p64 ? nextafter(origin, 0) : origin;
}

/* Exponents of the largest and the smallest number but 0. */
static bool find_exponents(const sample *s, int *least, int *most)
{
    *least = INT32_MAX;
    *most = INT32_MIN;
    for (int64_t i = 0; i < s->n; i++) {
        const int exponent = s->value[i] == 0 ? 0 : ilogb(s->value[i]);
        if (s->value[i] != 0 && exponent < *least)
            *least = exponent;
        if (s->value[i] != 0 && exponent > *most)
            *most = exponent;
    }
    return *most >= *least;
}

/* A power of two that has an inverse, also for numbers that double itself hardly holds.
 */
static double power_of_two(int exponent)
{
    return ldexp(1, exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent);
}

/* Under a logarithm, where the smallest count as much as the largest. */
static void choose_for_logarithm(const sample *s, flo_column_scale *c)
{
    int least, most;
    if (!find_exponents(s, &least, &most) || (most <= LARGEST && least >= LEAST))
        return;
    if (most - least > LARGEST - LEAST)
        c->lost = FLO_LOST_RANGE;
    else
        c->factor = power_of_two(-(most + least) / 2);
}

/* Elsewhere it is the middle half that counts: a far number among others is a fault of
   the data, which is told when it is read. */
static void choose_for_others(const sample *s, flo_shifts shifts, flo_column_scale *c)
{
    const double reach = c->origin == 0 ? fmax(fabs(s->low), fabs(s->high)) : s->spread;
    const int exponent = reach > 0 ? ilogb(reach) : 0;
    if (exponent <= LARGEST && exponent >= SMALL)
        return;
    if (shifts == FLO_SHIFTS_BOTH)
        c->factor = power_of_two(-exponent);
    else
        c->lost = FLO_LOST_RANGE;
}

flo_column_scale flo_column_scale_find(int64_t n, double *value, flo_shifts shifts)
{
    const sample s = describe(n, value);
    flo_column_scale c = {.factor = 1, .low = s.low, .high = s.high, .whole = s.whole};
    if (s.n == 0 || s.exact)
        return c;
    if (loses_digits(&s)) {
        if (shifts == FLO_SHIFTS_BOTH)
            c.origin = choose_origin(&s);
        else if (shifts == FLO_SHIFTS_WHOLE_ORIGIN)
            c.origin = nearbyint(choose_origin(&s));
        else
            c.lost = FLO_LOST_DIGITS;
    }
    if (shifts == FLO_SHIFTS_FACTOR)
        choose_for_logarithm(&s, &c);
    else
        choose_for_others(&s, shifts, &c);
    return c;
}
