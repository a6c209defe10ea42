/* The tanh equation: solved to the last places for all that a layer may ask, and
   refused where it has no answer. */
#include "bijections/tanh_equation.h"

#include "linalg/numbers.h"

static const double slopes[] = {1e-3, 1e-2, 0.3, 1 - 1e-9, 1,   1 + 1e-9,
                                1.7,  12,   1e4, 1e10,     1e30};
static const double sizes[] = {0, 5e-324, 1e-300, 1e-30, 1e-9, 1e-3, 0.1,  0.999,
                               1, 17,     40,     1e3,   1e6,  1e10, 1e30, 1e300};
enum { SLOPES = sizeof slopes / sizeof *slopes, SIZES = sizeof sizes / sizeof *sizes };

/* The residual, in units of what its terms are rounded to. */
static double residual(double s, double y, double a)
{
    const long double h = tanhl((long double)a);
    const long double left = (long double)a + ((long double)s - 1) * h;
    const double terms = fabs(a) + fabs(s - 1) * fabs((double)h);
    const double unit = 0x1p-53 * terms + 0x1p-1022 * fmax(s, 1);
    return (double)fabsl(left - (long double)y) / unit;
}

static void it_is_solved_to_the_rounding_of_its_terms(void **state)
{
    (void)state;
    for (int i = 0; i < SLOPES; i++)
        for (int k = 0; k < SIZES; k++)
            for (int turn = 0; turn < 40; turn++) {
                /* Also just below and above where tanh saturates: y = s - 1. */
                const double size = sizes[k] * exp2(0.1 * turn);
                const double y = turn % 2 ? -size : fabs(slopes[i] - 1) + size * 1e-3;
                const double a = flo_tanh_equation_root(slopes[i], y);
                const double found = residual(slopes[i], y, a);
                if (!(found <= 8))
                    fail_msg("s = %g, y = %.17g: a = %.17g leaves %g units", slopes[i],
                             y, a, found);
                assert_true(signbit(a) == signbit(y));
            }
}

/* From a to y and back: as exact as the slope at a allows. */
static void a_known_root_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < SLOPES; i++)
        for (double a = -25; a <= 25; a += 0.37) {
            const double s = slopes[i], h = tanh(a), y = a + (s - 1) * h;
            const double slope = flo_tanh_equation_slope(s, h);
            const double found = flo_tanh_equation_root(s, y);
            const double allowed = 8 * 0x1p-53 * (fabs(a) + fabs(s - 1)) / slope;
            if (!(fabs(found - a) <= allowed + 1e-15))
                fail_msg("s = %g: found %.17g, wanted %.17g", s, found, a);
        }
}

/* Where tanh a = a, but for its rounding, the equation is s a = y: nothing cancels. */
static void small_roots_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < SLOPES; i++)
        for (double y = 1e-8 * fmin(slopes[i] * sqrt(slopes[i]), 1); y > 1e-290;
             y *= 0.83) {
            const double a = flo_tanh_equation_root(slopes[i], y);
            const double allowed = 4 * 0x1p-53 * (1 + 1 / slopes[i]);
            if (!(fabs(a - y / slopes[i]) <= allowed * y / slopes[i]))
                fail_msg("s = %g, y = %g: found %.17g, wanted %.17g", slopes[i], y, a,
                         y / slopes[i]);
        }
}

static void the_slope_is_the_derivative(void **state)
{
    (void)state;
    for (int i = 0; i < SLOPES - 2; i++)
        for (double a = -6; a <= 6; a += 0.31) {
            const double s = slopes[i], step = 1e-5;
            const double above = a + step + (s - 1) * tanh(a + step);
            const double below = a - step + (s - 1) * tanh(a - step);
            assert_near(flo_tanh_equation_slope(s, tanh(a)),
                        (above - below) / (2 * step), 1e-8 * (1 + s));
        }
    assert_true(flo_tanh_equation_slope(1e-3, 0) == 1e-3);
    assert_true(flo_tanh_equation_slope(1e-3, 1) == 1);
}

static void what_has_no_answer_is_nan(void **state)
{
    (void)state;
    const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (int i = 0; i < 3; i++) {
        assert_true(isnan(flo_tanh_equation_root(2, bad[i])));
        assert_true(isnan(flo_tanh_equation_root(bad[i], 2)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_solved_to_the_rounding_of_its_terms),
        cmocka_unit_test(a_known_root_is_found),
        cmocka_unit_test(small_roots_are_exact),
        cmocka_unit_test(the_slope_is_the_derivative),
        cmocka_unit_test(what_has_no_answer_is_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
