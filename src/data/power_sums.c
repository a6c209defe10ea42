/* Sums of powers: four rows at a time where all numbers are finite, so that each sum is
   read and written once for four numbers; one by one where there are gaps. */
#include "data/power_sums.h"

#include "core/vector.h"

#include <math.h>
#include <string.h>

/* Four rows x [4, n]: sums of d, d^2, d^3, d^4 with d = x - shift. */
static void add_powers(int64_t n, const flo_real *restrict x,
                       const double *restrict shift, double *restrict first,
                       double *restrict second, double *restrict third,
                       double *restrict fourth)
{
    for (int64_t j = 0; j < n; ++j) {
        const double a = (double)x[j] - shift[j];
        const double b = (double)x[n + j] - shift[j];
        const double c = (double)x[2 * n + j] - shift[j];
        const double d = (double)x[3 * n + j] - shift[j];
        const double aa = a * a, bb = b * b, cc = c * c, dd = d * d;
        first[j] += (a + b) + (c + d);
        second[j] += (aa + bb) + (cc + dd);
        third[j] += (aa * a + bb * b) + (cc * c + dd * d);
        fourth[j] += (aa * aa + bb * bb) + (cc * cc + dd * dd);
    }
}

static flo_real lesser(flo_real a, flo_real b)
{
    return a < b ? a : b;
}

static flo_real greater(flo_real a, flo_real b)
{
    return a > b ? a : b;
}

static flo_real is_zero(flo_real a)
{
    return a == 0 ? (flo_real)1 : (flo_real)0;
}

/* Four rows: extremes, and zeros. */
static void add_extremes(int64_t n, const flo_real *restrict x, flo_real *restrict low,
                         flo_real *restrict high, flo_real *restrict zeros)
{
    for (int64_t j = 0; j < n; ++j) {
        const flo_real a = x[j], b = x[n + j], c = x[2 * n + j], d = x[3 * n + j];
        low[j] = lesser(low[j], lesser(lesser(a, b), lesser(c, d)));
        high[j] = greater(high[j], greater(greater(a, b), greater(c, d)));
        zeros[j] += (is_zero(a) + is_zero(b)) + (is_zero(c) + is_zero(d));
    }
}

static void add_number(flo_real x, int64_t j, const flo_power_sums *sums)
{
    if (isnan(x)) {
        ++sums->nan[j];
        return;
    }
    if (isinf(x)) {
        ++sums->infinite[j];
        return;
    }
    const double d = (double)x - sums->shift[j];
    double power = d;
    for (int p = 0; p < FLO_POWERS; ++p, power *= d)
        sums->sum[p][j] += power;
    sums->low[j] = lesser(sums->low[j], x);
    sums->high[j] = greater(sums->high[j], x);
    sums->zeros[j] += x == 0;
}

static void add_gappy(int64_t rows, int64_t n, const flo_real *x,
                      const flo_power_sums *sums)
{
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < n; ++j)
            add_number(x[i * n + j], j, sums);
}

void flo_power_sums_add(int64_t rows, int64_t columns, const flo_real *x,
                        const flo_power_sums *sums)
{
    const int64_t group = FLO_GROUP_ROWS * columns, total = rows * columns;
    int64_t gap = flo_vector_first_nonfinite(total, x); /* the next, from `at` on */
    memset(sums->zeros_of_call, 0, (size_t)columns * sizeof *sums->zeros_of_call);
    int64_t at = 0;
    for (; at + group <= total; at += group) {
        if (gap < at)
            gap = at + flo_vector_first_nonfinite(total - at, x + at);
        if (gap < at + group) {
            add_gappy(FLO_GROUP_ROWS, columns, x + at, sums);
            continue;
        }
        add_powers(columns, x + at, sums->shift, sums->sum[0], sums->sum[1],
                   sums->sum[2], sums->sum[3]);
        add_extremes(columns, x + at, sums->low, sums->high, sums->zeros_of_call);
    }
    add_gappy((total - at) / columns, columns, x + at, sums);
    for (int64_t j = 0; j < columns; ++j)
        sums->zeros[j] += (int64_t)sums->zeros_of_call[j];
}
