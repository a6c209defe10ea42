/* actnorm: what its start does with awkward columns. (That it normalises, conformance
   tests.) */
#include "bijections/layer.h"

enum { D = 5, B = 3 };

static void columns_that_do_not_vary_are_only_shifted(void **state)
{
    layer l;
    layer_create(*state, "{kind: actnorm}", (flo_place){0}, B, D, 0, &l);
    const double mean[D] = {3, -7, 0, 1e6, 2}, deviation[D] = {2, 0, 0, 1e-12, 1e-3};
    const flo_moments moments = {.mean = mean, .deviation = deviation};
    assert_true(l.b->kind->starts_from_data);
    assert_int_equal(l.b->kind->start(l.b, &moments, l.theta), 3);
    const double scale[D] = {0.5, 1, 1, 1, 1e3};
    for (int j = 0; j < D; j++) {
        assert_near(exp((double)l.theta[j]), scale[j], near_enough);
        l.x[j] = (flo_real)mean[j];
        l.x[D + j] = (flo_real)(mean[j] + deviation[j]);
    }
    layer_forward(&l);
    for (int j = 0; j < D; j++)
        assert_near(l.z[j], 0, sizeof(flo_real) == 8 ? 1e-11 : 1e-3);
    assert_near(l.z[D], 1, near_enough);
    assert_near(l.logdet[0], log(0.5) + log(1e3), near_enough);
}

/* So small that exp(s) would overflow a float: as one that does not vary. */
static void a_column_without_a_scale_stays_finite(void **state)
{
    layer l;
    layer_create(*state, "{kind: actnorm}", (flo_place){0}, B, D, 0, &l);
    const double mean[D] = {0}, deviation[D] = {1e-42, 1, 1, 1, 1e-37};
    const flo_moments moments = {.mean = mean, .deviation = deviation};
    assert_int_equal(l.b->kind->start(l.b, &moments, l.theta), 1);
    layer_forward(&l);
    assert_all_finite("z", B * D, l.z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(columns_that_do_not_vary_are_only_shifted),
        FIXTURE_TEST(a_column_without_a_scale_stays_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
