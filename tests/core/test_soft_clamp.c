/* The soft clamp: identity at 0, its bound, its slope, its inverse. */
#include "core/soft_clamp.h"

#include "linalg/numbers.h"

static void it_is_the_identity_at_zero_and_bounded(void **state)
{
    (void)state;
    const flo_real inverse_limit = (flo_real)(1 / 2.5);
    assert_near(flo_soft_clamp(0, inverse_limit), 0, 0);
    assert_near(flo_soft_clamp_slope(0, inverse_limit), 1, 0);
    assert_near(flo_soft_clamp((flo_real)2.5, inverse_limit), 1.25, near_enough);
    for (double a = 1; a < 1e30; a *= 1000)
        for (int sign = -1; sign <= 1; sign += 2) {
            const flo_real s = flo_soft_clamp((flo_real)(sign * a), inverse_limit);
            assert_true(sign * (double)s > 0 && fabs((double)s) < 2.5 * (1 + 1e-6));
            assert_true(flo_soft_clamp_slope((flo_real)(sign * a), inverse_limit) >= 0);
        }
}

static void slope_and_inverse_belong_to_it(void **state)
{
    (void)state;
    for (double a = -9; a < 9; a += 0.37) {
        const double limit = 3, h = difference_step;
        const flo_real q = (flo_real)(1 / limit);
        const double d = ((double)flo_soft_clamp((flo_real)(a + h), q) -
                          (double)flo_soft_clamp((flo_real)(a - h), q)) /
                         (2 * h);
        assert_near(flo_soft_clamp_slope((flo_real)a, q), d, 1e3 * near_enough);
        const double s = (double)flo_soft_clamp((flo_real)a, q);
        assert_near(flo_soft_clamp_inverse(s, limit), a, 10 * near_enough);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_identity_at_zero_and_bounded),
        cmocka_unit_test(slope_and_inverse_belong_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
