/* The summed gradient over ranks: the same bits in any buckets, on their way during the
   backward pass or held until it is over. */
#include "train/gradient.h"

#include "train/step.h"

enum { LANES = 6 };

static int set_up(void **state)
{
    /* A failing rank ends the job by abort: the others wait in the next collective. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    step *const s = calloc(1, sizeof *s);
    step_create_on_ranks(s, STEP_LIKELIHOOD, LANES, 1, 4);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    step_destroy(*state);
    free(*state);
    return 0;
}

/* Steps of which some are held, the last one or not; the last gradient, to be freed. */
static flo_real *compute(step *s, double bucket_mb, bool held)
{
    flo_real *const theta = s->theta, *const other = build_reals(&s->f, s->P);
    for (int64_t i = 0; i < s->P; i++)
        other[i] = theta[i] / 2;
    flo_gradient_destroy(&s->gradient);
    step_gradient(s, 1, bucket_mb);
    for (int again = 0; again < 4; again++) { /* nothing is left from a step before */
        s->theta = again % 2 ? theta : other;
        flo_gradient_hold(s->gradient, held == (again % 2 == 1));
        assert_int_equal(step_compute(s), 0);
    }
    flo_real *const gradient = malloc((size_t)s->P * sizeof *gradient);
    memcpy(gradient, flo_gradient_vector(s->gradient), (size_t)s->P * sizeof *gradient);
    return gradient;
}

static void bits_do_not_depend_on_buckets_or_when_they_leave(void **state)
{
    step *const s = *state;
    static const double bucket_mb[] = {4, 1e-3, 1e-9};
    flo_real *const wanted = compute(s, 4, false);
    assert_all_finite("gradient", s->P, wanted);
    for (int i = 0; i < 6; i++) {
        flo_real *const found = compute(s, bucket_mb[i / 2], i % 2);
        assert_same_bits("gradient", (size_t)s->P * sizeof *found, found, wanted);
        free(found);
    }
    free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_do_not_depend_on_buckets_or_when_they_leave),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
