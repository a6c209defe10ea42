/* Angles: branches, ends, and which columns they leave alone. */
#include "bijections/layer.h"

static const double branches[] = {-3, -1, 0, 1, 2, 1000};

static layer made(fixture *f, const char *yaml, int64_t D)
{
    layer l;
    layer_create(f, yaml, (flo_place){.seed = 1}, 1, D, 0, &l);
    return l;
}

/* Every branch of an angle gives the same z, with the slope 2 pi / period. */
static void branches_are_the_same_angle(void **state)
{
    layer l = made(*state, "{kind: angle, period: 24, low: 0}", 1);
    for (int i = 0; i < 24; i++)
        for (size_t k = 0; k < sizeof branches / sizeof *branches; k++) {
            flo_real back;
            l.x[0] = (flo_real)(i + 24 * branches[k]);
            layer_forward(&l);
            const double turns = (i < 12 ? i : i - 24) / 24.0;
            assert_near(l.z[0], 2 * M_PI * turns, 1e-5);
            assert_near(l.logdet[0], log(2 * M_PI / 24), 1e-6);
            layer_inverse(&l, &back);
            assert_near(back, i, 1e-4);
        }
}

/* However z was rounded, x is within [low, low + period). */
static void samples_never_leave_the_branch(void **state)
{
    static const char *const yaml[] = {
        "{kind: angle, period: 6.283185307179586, low: -3.141592653589793}",
        "{kind: angle, period: 6.283185307179586, low: 0}",
        "{kind: angle, period: 360, low: -180}",
        "{kind: angle, period: 0.1, low: 7.3}"};
    const double low[] = {-M_PI, 0, -180, 7.3},
                 period[] = {2 * M_PI, 2 * M_PI, 360, 0.1};
    for (int k = 0; k < 4; k++) {
        layer l = made(*state, yaml[k], 1);
        for (int turn = -2; turn <= 2; turn++)
            for (int step = -300; step <= 300; step++) {
                const double end = (turn + low[k] / period[k]) * 2 * M_PI;
                flo_real x;
                l.z[0] = (flo_real)(end + step * 1e-8 * (1 + fabs(end)));
                layer_inverse(&l, &x);
                if (!((double)x >= low[k] && (double)x < low[k] + period[k]))
                    fail_msg("%s: z = %.9g came back as %.9g", yaml[k], (double)l.z[0],
                             (double)x);
            }
    }
}

/* low is 0 where no number of the data is below, else half a turn below. */
static void the_branch_is_that_of_the_data(void **state)
{
    layer l = made(*state, "{kind: angle, period: 10}", 5);
    const double low[] = {-5, -5, -5, 0, 0}; /* layer_moments: from -3 to 1 */
    for (int j = 0; j < 5; j++)
        assert_true(l.constants[j] == low[j]);
}

/* `all` are the columns that are no angles; of these the layer makes some more. */
static void angles_and_others_are_told_apart(void **state)
{
    fixture *const f = *state;
    const bool angles[] = {false, true, false};
    const flo_place place = {.seed = 1, .angles = angles};
    layer l;
    layer_create(f, "{kind: standardize}", place, 1, 3, 0, &l);
    assert_true(!l.b->passes[0] && l.b->passes[1] && !l.b->passes[2]);
    layer_create(f, "{kind: angle, period: 1, columns: 2}", place, 1, 3, 0, &l);
    assert_true(!l.b->makes_angles[0] && l.b->makes_angles[1] && l.b->makes_angles[2]);
    flo_bijection *b;
    const bool all[] = {true, true, true};
    const flo_place alone = {.seed = 1, .angles = all};
    assert_int_equal(flo_bijection_create(f->arena,
                                          parse(f, "{kind: angle, period: 1}"), 3, 0,
                                          &alone, &b),
                     FLO_ERROR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(branches_are_the_same_angle, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(samples_never_leave_the_branch, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_branch_is_that_of_the_data, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(angles_and_others_are_told_apart, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
