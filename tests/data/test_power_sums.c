/* Sums of powers: those of each number, with gaps anywhere, however rows are cut. */
#include "data/power_sums.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 43, COLUMNS = 1031 }; /* more than are added at a time */

typedef struct table {
    double x[ROWS * COLUMNS];
    double shift[COLUMNS], sum[FLO_POWERS][COLUMNS];
    double low[COLUMNS], high[COLUMNS], scratch[COLUMNS];
    int64_t nan[COLUMNS], infinite[COLUMNS], zeros[COLUMNS];
    flo_power_sums sums;
} table;

/* Rows with gaps where `gap` (0: none) divides their number, here NaN, there infinity.
 */
static void fill(table *t, int gap)
{
    memset(t, 0, sizeof *t);
    for (int i = 0; i < ROWS * COLUMNS; ++i)
        t->x[i] = ((i * 37 % 101) - 50) / 8.0;
    for (int k = 0; k < FLO_GROUP_ROWS; ++k) { /* extremes at every place */
        t->x[(4 + k) * COLUMNS + k] = -100;
        t->x[(8 + k) * COLUMNS + k] = 100;
    }
    for (int i = 0; gap && i < ROWS; i += gap)
        t->x[i * COLUMNS + i * 97 % COLUMNS] = (double)(i % 3 == 0   ? NAN
                                                        : i % 3 == 1 ? INFINITY
                                                                     : -INFINITY);
    for (int j = 0; j < COLUMNS; ++j) {
        t->shift[j] = 0.5 * j;
        t->low[j] = (double)INFINITY;
        t->high[j] = (double)-INFINITY;
    }
    t->sums = (flo_power_sums){
        .shift = t->shift,
        .sum = {t->sum[0], t->sum[1], t->sum[2], t->sum[3]},
        .low = t->low,
        .high = t->high,
        .nan = t->nan,
        .infinite = t->infinite,
        .zeros = t->zeros,
        .zeros_of_call = t->scratch,
    };
}

static void check_column(const table *t, int j)
{
    long double sum[FLO_POWERS] = {0};
    int64_t nan = 0, infinite = 0, zeros = 0;
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < ROWS; ++i) {
        const double x = (double)t->x[i * COLUMNS + j];
        nan += isnan(x);
        infinite += isinf(x) != 0;
        zeros += x == 0;
        if (!isfinite(x))
            continue;
        for (int p = 0; p < FLO_POWERS; ++p)
            sum[p] += powl(x - t->shift[j], p + 1);
        low = fmin(low, x);
        high = fmax(high, x);
    }
    assert_int_equal(t->nan[j], nan);
    assert_int_equal(t->infinite[j], infinite);
    assert_int_equal(t->zeros[j], zeros);
    assert_true((double)t->low[j] == low && (double)t->high[j] == high);
    for (int p = 0; p < FLO_POWERS; ++p)
        assert_true(fabsl(t->sum[p][j] - sum[p]) <= 1e-12L * (1 + fabsl(sum[p])));
}

static void sums_are_right_with_gaps_anywhere(void **state)
{
    (void)state;
    static const int gaps[] = {0, 1, 2, 5, 31, 42};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; ++g) {
        table t;
        fill(&t, gaps[g]);
        flo_power_sums_add(ROWS, COLUMNS, t.x, &t.sums);
        for (int j = 0; j < COLUMNS; ++j)
            check_column(&t, j);
    }
}

static void cuts_between_groups_change_no_bit(void **state)
{
    (void)state;
    for (int gap = 0; gap < 40; gap += 13) {
        table whole, cut;
        fill(&whole, gap);
        fill(&cut, gap);
        flo_power_sums_add(ROWS, COLUMNS, whole.x, &whole.sums);
        static const int rows[] = {FLO_GROUP_ROWS, 6 * FLO_GROUP_ROWS, 0};
        int first = 0;
        for (int i = 0; i < 3; first += rows[i++])
            flo_power_sums_add(rows[i], COLUMNS, cut.x + first * COLUMNS, &cut.sums);
        flo_power_sums_add(ROWS - first, COLUMNS, cut.x + first * COLUMNS, &cut.sums);
        assert_memory_equal(whole.sum, cut.sum, sizeof whole.sum);
        assert_memory_equal(whole.zeros, cut.zeros, sizeof whole.zeros);
        assert_memory_equal(whole.low, cut.low, sizeof whole.low);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_right_with_gaps_anywhere),
        cmocka_unit_test(cuts_between_groups_change_no_bit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
