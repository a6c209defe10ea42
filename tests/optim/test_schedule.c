/* Schedules by their formulas, the warm-up, and what a plateau sees. */
#include "optim/schedule.h"

#include "linalg/numbers.h"

enum { CONSTANT, COSINE, STEP, PLATEAU };

static const flo_plateau fresh = {.best = -(double)INFINITY};

static flo_schedule_settings settings_of(int schedule, int64_t warmup_steps)
{
    return (flo_schedule_settings){.learning_rate = 0.2,
                                   .schedule = schedule,
                                   .warmup_steps = warmup_steps,
                                   .schedule_factor = 0.5,
                                   .schedule_steps = 10,
                                   .schedule_patience = 2};
}

static double rate(int schedule, int64_t warmup_steps, int64_t step, int64_t steps)
{
    const flo_schedule_settings settings = settings_of(schedule, warmup_steps);
    return flo_schedule_rate(&settings, &fresh, step, steps);
}

static void every_schedule_starts_with_a_linear_warm_up(void **state)
{
    (void)state;
    for (int schedule = CONSTANT; schedule <= PLATEAU; schedule++) {
        for (int64_t step = 1; step <= 8; step++)
            assert_near(rate(schedule, 8, step, 100), 0.2 * (double)step / 8, 1e-15);
        assert_near(rate(schedule, 8, 9, 100), 0.2, 1e-15);
        assert_near(rate(schedule, 0, 1, 100), 0.2, 1e-15);
    }
}

static void a_constant_stays(void **state)
{
    (void)state;
    assert_near(rate(CONSTANT, 3, 100, 100), 0.2, 0);
}

static void a_cosine_falls_from_one_to_nearly_zero(void **state)
{
    (void)state;
    const double pi = acos(-1);
    for (int64_t step = 21; step <= 120; step++) {
        const double t = (double)(step - 21) / 100;
        assert_near(rate(COSINE, 20, step, 120), 0.1 * (1 + cos(pi * t)), 1e-15);
    }
    assert_near(rate(COSINE, 0, 51, 100), 0.1, 1e-15); /* half way, half the rate */
    assert_true(rate(COSINE, 0, 100, 100) > 0);
    assert_true(rate(COSINE, 0, 100, 100) < 1e-3 * 0.2);
    /* A run no longer than its warm-up never comes to fall. */
    assert_near(rate(COSINE, 20, 10, 10), 0.1, 1e-15);
    assert_near(rate(COSINE, 10, 10, 10), 0.2, 1e-15);
}

static void steps_drop_at_fixed_distances(void **state)
{
    (void)state;
    assert_near(rate(STEP, 0, 10, 100), 0.2, 1e-15);
    assert_near(rate(STEP, 0, 11, 100), 0.1, 1e-15);
    assert_near(rate(STEP, 0, 20, 100), 0.1, 1e-15);
    assert_near(rate(STEP, 0, 21, 100), 0.05, 1e-15);
}

/* Values seen one by one, and the drops and the wait after each. */
static void a_plateau_drops_after_its_patience(void **state)
{
    (void)state;
    static const struct {
        double value;
        int64_t drops, waited;
    } seen[] = {{1, 0, 0}, {2, 0, 0},           {2, 0, 1},   {1.5, 1, 0}, {1.9, 1, 1},
                {3, 1, 0}, {(double)NAN, 1, 1}, {2.9, 2, 0}, {2.9, 2, 1}, {0, 3, 0}};
    const flo_schedule_settings settings = settings_of(PLATEAU, 0);
    flo_plateau plateau = fresh;
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        flo_plateau_see(&settings, &plateau, seen[i].value);
        assert_int_equal(plateau.drops, seen[i].drops);
        assert_int_equal(plateau.waited, seen[i].waited);
        assert_near(flo_schedule_rate(&settings, &plateau, 50, 100),
                    0.2 * pow(0.5, (double)seen[i].drops), 1e-15);
    }
    assert_near(plateau.best, 3, 0);
}

static void other_schedules_never_drop(void **state)
{
    (void)state;
    for (int schedule = CONSTANT; schedule < PLATEAU; schedule++) {
        const flo_schedule_settings settings = settings_of(schedule, 0);
        flo_plateau plateau = fresh;
        for (int i = 0; i < 10; i++)
            flo_plateau_see(&settings, &plateau, -i);
        assert_int_equal(plateau.drops, 0);
        assert_near(plateau.best, 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_schedule_starts_with_a_linear_warm_up),
        cmocka_unit_test(a_constant_stays),
        cmocka_unit_test(a_cosine_falls_from_one_to_nearly_zero),
        cmocka_unit_test(steps_drop_at_fixed_distances),
        cmocka_unit_test(a_plateau_drops_after_its_patience),
        cmocka_unit_test(other_schedules_never_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
