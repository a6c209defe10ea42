/* The normaliser of Student's t: against values in closed form and libm's log-gamma,
   its slope by differences, large and small arguments. */
#include "densities/gamma_ratio.h"

#include "linalg/numbers.h"

static const double pi = 3.14159265358979323846;

/* Gamma(1/2) = sqrt(pi), and one step of x up multiplies by (x + 1/2) / x. */
static void half_integers_are_exact(void **state)
{
    (void)state;
    double ratio = 1 / sqrt(pi); /* Gamma(1) / Gamma(1/2) */
    for (int i = 0; i < 60; i++) {
        const double x = 0.5 + i;
        assert_near(flo_gamma_ratio(x), log(ratio / sqrt(x)), 1e-14);
        ratio *= (x + 0.5) / x;
    }
}

static void it_is_the_difference_of_log_gammas(void **state)
{
    (void)state;
    for (double x = 0.25; x < 30; x *= 1.037)
        assert_near(flo_gamma_ratio(x), lgamma(x + 0.5) - lgamma(x) - 0.5 * log(x),
                    2e-14);
}

static void the_slope_is_the_derivative(void **state)
{
    (void)state;
    for (double x = 0.25; x < 1e4; x *= 1.171) {
        const double step = 1e-3 * x; /* the error of the fourth order is below 1e-12 */
        const double d =
            (8 * (flo_gamma_ratio(x + step) - flo_gamma_ratio(x - step)) -
             flo_gamma_ratio(x + 2 * step) + flo_gamma_ratio(x - 2 * step)) /
            (12 * step);
        assert_near(x * flo_gamma_ratio_slope(x), x * d, 2e-12);
    }
}

/* h(x) -> -1 / (8 x), where a difference of log-gammas would have no digits left. */
static void large_arguments_keep_their_digits(void **state)
{
    (void)state;
    for (double x = 1e5; x < 1e30; x *= 10) {
        assert_true(fabs(-8 * x * flo_gamma_ratio(x) - 1) < 1e-10);
        assert_true(fabs(8 * x * x * flo_gamma_ratio_slope(x) - 1) < 1e-10);
    }
    assert_true(isnan(flo_gamma_ratio((double)NAN)));
    assert_true(isnan(flo_gamma_ratio_slope((double)NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_integers_are_exact),
        cmocka_unit_test(it_is_the_difference_of_log_gammas),
        cmocka_unit_test(the_slope_is_the_derivative),
        cmocka_unit_test(large_arguments_keep_their_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
