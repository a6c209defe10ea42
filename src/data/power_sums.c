/* Sums of powers: four rows at a time where all numbers are finite, so that each sum is
   read and written once for four numbers; one by one where there are gaps. Of wide
   tables some columns at a time, so that their sums stay in a core's first cache. */
#include "data/power_sums.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { BLOCK_COLUMNS = 512 };

/* Four rows of n columns, `stride` apart: sums of d, d^2, d^3, d^4 with d = x - shift.
 */
static void add_powers(int64_t n, int64_t stride, const double *restrict x,
                       const double *restrict shift, double *restrict first,
                       double *restrict second, double *restrict third,
                       double *restrict fourth)
{
    for (int64_t j = 0; j < n; ++j) {
        const double a = x[j] - shift[j];
        const double b = x[stride + j] - shift[j];
        const double c = x[2 * stride + j] - shift[j];
        const double d = x[3 * stride + j] - shift[j];
        const double aa = a * a, bb = b * b, cc = c * c, dd = d * d;
        first[j] += (a + b) + (c + d);
        second[j] += (aa + bb) + (cc + dd);
        third[j] += (aa * a + bb * b) + (cc * c + dd * d);
        fourth[j] += (aa * aa + bb * bb) + (cc * cc + dd * dd);
    }
}

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

static double greater(double a, double b)
{
    return a > b ? a : b;
}

static double is_zero(double a)
{
    return a == 0 ? 1 : 0;
}

/* Four rows: extremes, and zeros. */
static void add_extremes(int64_t n, int64_t stride, const double *restrict x,
                         double *restrict low, double *restrict high,
                         double *restrict zeros)
{
    for (int64_t j = 0; j < n; ++j) {
        const double a = x[j], b = x[stride + j];
        const double c = x[2 * stride + j], d = x[3 * stride + j];
        low[j] = lesser(low[j], lesser(lesser(a, b), lesser(c, d)));
        high[j] = greater(high[j], greater(greater(a, b), greater(c, d)));
        zeros[j] += (is_zero(a) + is_zero(b)) + (is_zero(c) + is_zero(d));
    }
}

static void add_number(double x, int64_t j, const flo_power_sums *sums)
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

/* Columns [begin, begin + n) of rows x [rows, stride], one by one. */
static void add_gappy(int64_t rows, int64_t begin, int64_t n, int64_t stride,
                      const double *x, const flo_power_sums *sums)
{
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = begin; j < begin + n; ++j)
            add_number(x[i * stride + j], j, sums);
}

/* x - x is 0, or NaN for NaN and infinity: rows are judged without a branch. */
static bool is_finite(int64_t n, int64_t stride, const double *x)
{
    double found = 0;
    for (int64_t i = 0; i < FLO_GROUP_ROWS; ++i)
        for (int64_t j = 0; j < n; ++j)
            found += x[i * stride + j] - x[i * stride + j];
    return found == 0;
}

static void add_columns(int64_t rows, int64_t begin, int64_t n, int64_t stride,
                        const double *x, const flo_power_sums *sums)
{
    int64_t i = 0;
    for (; i + FLO_GROUP_ROWS <= rows; i += FLO_GROUP_ROWS) {
        const double *const group = x + i * stride + begin;
        if (!is_finite(n, stride, group)) {
            add_gappy(FLO_GROUP_ROWS, begin, n, stride, x + i * stride, sums);
            continue;
        }
        add_powers(n, stride, group, sums->shift + begin, sums->sum[0] + begin,
                   sums->sum[1] + begin, sums->sum[2] + begin, sums->sum[3] + begin);
        add_extremes(n, stride, group, sums->low + begin, sums->high + begin,
                     sums->zeros_of_call + begin);
    }
    add_gappy(rows - i, begin, n, stride, x + i * stride, sums);
}

void flo_power_sums_add(int64_t rows, int64_t columns, const double *x,
                        const flo_power_sums *sums)
{
    memset(sums->zeros_of_call, 0, (size_t)columns * sizeof *sums->zeros_of_call);
    for (int64_t begin = 0; begin < columns; begin += BLOCK_COLUMNS) {
        const int64_t left = columns - begin;
        add_columns(rows, begin, left < BLOCK_COLUMNS ? left : BLOCK_COLUMNS, columns,
                    x, sums);
    }
    for (int64_t j = 0; j < columns; ++j)
        sums->zeros[j] += (int64_t)sums->zeros_of_call[j];
}
