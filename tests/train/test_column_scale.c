/* Origins and factors: where digits or range would be lost, and nowhere else. */
#include "train/column_scale.h"

#include "core/elementary.h"
#include "linalg/numbers.h"

#include <math.h>

enum { N = 512 };

/* Numbers middle + spread * u, u evenly from -1 to 1, in some order; one is not finite.
 */
static void fill(double middle, double spread, double *value)
{
    for (int i = 0; i < N; i++)
        value[i] = middle + spread * (2.0 * (i * 37 % (N - 1)) / (N - 2) - 1);
    value[100] = NAN;
}

static flo_column_scale of(double middle, double spread, flo_shifts shifts)
{
    double value[N];
    fill(middle, spread, value);
    return flo_column_scale_find(N, value, shifts);
}

static void assert_plain(flo_column_scale c)
{
    assert_true(c.origin == 0 && c.factor == 1 && c.lost == FLO_LOST_NOTHING);
}

static void ordinary_columns_stay(void **state)
{
    (void)state;
    for (flo_shifts s = FLO_SHIFTS_NONE; s <= FLO_SHIFTS_BOTH; s++) {
        assert_plain(of(0, 1, s));
        assert_plain(of(30, 1, s));
        assert_plain(of(-1e20, 1e20, s));
        assert_plain(of(0.1, 0, s));
        assert_plain(of(0, 0, s));
    }
    double whole[3] = {(double)(flo_real)1e12, 4, 5}; /* flo_real holds them */
    assert_plain(flo_column_scale_find(3, whole, FLO_SHIFTS_NONE));
    double none[2] = {NAN, INFINITY};
    assert_plain(flo_column_scale_find(2, none, FLO_SHIFTS_BOTH));
}

/* So far from 0 that flo_real keeps few digits, and double many or none. */
static void far_columns_get_an_origin(void **state)
{
    (void)state;
    const double far = 1e3 / (double)FLO_EPSILON;
    for (int sign = -1; sign <= 1; sign += 2) {
        const flo_column_scale c = of(sign * far, 100, FLO_SHIFTS_BOTH);
        assert_true(fabs(c.origin - sign * far) <= 100 && c.factor == 1);
        assert_true(c.origin == floor(c.origin) && c.lost == FLO_LOST_NOTHING);
        assert_true(of(sign * far, 100, FLO_SHIFTS_NONE).lost == FLO_LOST_DIGITS);
        assert_true(of(sign * far, 100, FLO_SHIFTS_FACTOR).lost == FLO_LOST_DIGITS);
        const flo_column_scale w = of(sign * far, 0.4, FLO_SHIFTS_WHOLE_ORIGIN);
        assert_true(w.origin == floor(w.origin) && w.origin != 0);
    }
    double same[2] = {0x1p60 + 256, 0x1p60 + 256}; /* as double has rounded integers */
    assert_true(flo_column_scale_find(2, same, FLO_SHIFTS_WHOLE_ORIGIN).origin ==
                0x1p60 + 256);
    double last[3] = {0x1p64, 0x1p64, 0x1p64 - 2048};
    assert_true(flo_column_scale_find(3, last, FLO_SHIFTS_BOTH).origin < 0x1p64);
}

/* double is what numbers are read as: its range is that of the file. */
static void columns_out_of_range_get_a_factor(void **state)
{
    (void)state;
    const double tiny = ldexp(1.1, -133);
    double masses[3] = {tiny, 1, 1.1e30}, wide[3] = {1e-60, 1, 1e60};
    double one_far[5] = {0.1, 0.2, 0.3, 0.4, 1e300};
    const flo_column_scale c = of(tiny, tiny / 2, FLO_SHIFTS_BOTH);
    const flo_column_scale m = flo_column_scale_find(3, masses, FLO_SHIFTS_FACTOR);
    const flo_column_scale w = flo_column_scale_find(3, wide, FLO_SHIFTS_FACTOR);
    assert_plain(flo_column_scale_find(5, one_far, FLO_SHIFTS_BOTH));
    if (sizeof(flo_real) == 8) {
        assert_plain(c);
        assert_plain(m);
        assert_plain(w);
        return;
    }
    assert_true(c.origin == 0 && c.factor * tiny > 0.2 && c.factor * tiny < 4);
    assert_true(of(tiny, tiny / 2, FLO_SHIFTS_NONE).lost == FLO_LOST_RANGE);
    assert_true((double)(flo_real)(m.factor * 1.1e30) < (double)FLO_LARGEST);
    assert_true(m.factor * tiny > (double)FLO_SMALLEST_NORMAL);
    assert_true(w.lost == FLO_LOST_RANGE);
    const double ends[2] = {0x1p-1070, 0x1p1023};
    for (int i = 0; i < 2; i++) {
        const flo_column_scale e = of(ends[i], ends[i] / 2, FLO_SHIFTS_BOTH);
        assert_true(e.factor > 0 && isfinite(e.factor) && isfinite(1 / e.factor));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_columns_stay),
        cmocka_unit_test(far_columns_get_an_origin),
        cmocka_unit_test(columns_out_of_range_get_a_factor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
