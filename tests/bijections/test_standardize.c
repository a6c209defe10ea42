/* standardize: its formula, in double, and the columns that it refuses. */
#include "bijections/layer.h"

enum { D = 3, B = 4 };

static void it_takes_out_mean_and_deviation(void **state)
{
    fixture *const f = *state;
    layer l;
    layer_create(f, "{kind: standardize}", (flo_place){0}, B, D, 0, &l);
    const flo_moments moments = layer_moments(f, D);
    assert_true(l.b->kind->fitted);
    layer_forward(&l);
    double logdet = 0;
    for (int64_t j = 0; j < D; j++)
        logdet -= log(moments.deviation[j]);
    for (int64_t i = 0; i < B; i++) {
        for (int64_t j = 0; j < D; j++) {
            const double x = (double)l.x[i * D + j];
            assert_near(l.z[i * D + j], (x - moments.mean[j]) / moments.deviation[j],
                        near_enough);
        }
        assert_near(l.logdet[i], logdet, 1e-14);
    }
}

/* A mean far above the deviation costs no digits: the subtraction is in double. */
static void a_large_mean_costs_no_digits(void **state)
{
    fixture *const f = *state;
    layer l;
    layer_create(f, "{kind: standardize}", (flo_place){0}, 1, D, 0, &l);
    const double mean[D] = {4194304.3, 4194304.3, 4194304.3};
    const double deviation[D] = {0.25, 0.5, 3};
    const flo_moments moments = {.mean = mean, .deviation = deviation};
    assert_int_equal(l.b->kind->fit(l.b, f->context, &l.place, &moments, l.constants),
                     FLO_OK);
    assert_int_equal(l.b->kind->prepare(l.b, f->context, l.constants), FLO_OK);
    fill_reals(D, 4194305, l.x);
    layer_forward(&l);
    for (int64_t j = 0; j < D; j++)
        assert_near(l.z[j], (4194305 - 4194304.3) / deviation[j], 1e-6);
}

static void a_column_that_does_not_vary_is_refused(void **state)
{
    fixture *const f = *state;
    layer l;
    layer_create(f, "{kind: standardize}", (flo_place){0}, 1, D, 0, &l);
    const double bad[] = {0, -1, (double)NAN, (double)INFINITY};
    for (int k = 0; k < 4; k++) {
        const double mean[D] = {0, 5, 0}, deviation[D] = {1, bad[k], 1};
        const flo_moments moments = {.mean = mean, .deviation = deviation};
        assert_int_equal(
            l.b->kind->fit(l.b, f->context, &l.place, &moments, l.constants),
            FLO_ERROR_DATA);
        const char *const message = flo_context_message(f->context);
        assert_non_null(
            strstr(message, "standardize: column 1 has standard deviation"));
        assert_non_null(strstr(message, "mean 5"));
        assert_non_null(strstr(message, "data.columns"));
    }
}

/* Columns that are left out may be constant, and pass. */
static void columns_that_are_left_out_pass(void **state)
{
    fixture *const f = *state;
    layer l;
    layer_create(f, "{kind: standardize, columns: [0, 2]}", (flo_place){0}, B, D, 0,
                 &l);
    const double mean[D] = {1, 5, -3}, deviation[D] = {2, 0, 4};
    const flo_moments moments = {.mean = mean, .deviation = deviation};
    assert_int_equal(l.b->kind->fit(l.b, f->context, &l.place, &moments, l.constants),
                     FLO_OK);
    assert_int_equal(l.b->kind->prepare(l.b, f->context, l.constants), FLO_OK);
    layer_forward(&l);
    for (int64_t i = 0; i < B; i++) {
        assert_true(l.z[i * D + 1] == l.x[i * D + 1]);
        assert_near(l.z[i * D + 2], ((double)l.x[i * D + 2] + 3) / 4, near_enough);
        assert_near(l.logdet[i], -log(8), 1e-14);
    }
}

static void a_stored_deviation_that_is_not_positive_is_refused(void **state)
{
    fixture *const f = *state;
    layer l;
    layer_create(f, "{kind: standardize}", (flo_place){0}, 1, D, 0, &l);
    l.constants[D + 2] = 0;
    assert_message(f, FLO_ERROR_FILE, l.b->kind->prepare(l.b, f->context, l.constants),
                   "standardize: stored deviation of column 2 is 0, wanted a positive "
                   "number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(it_takes_out_mean_and_deviation),
        FIXTURE_TEST(a_large_mean_costs_no_digits),
        FIXTURE_TEST(a_column_that_does_not_vary_is_refused),
        FIXTURE_TEST(columns_that_are_left_out_pass),
        FIXTURE_TEST(a_stored_deviation_that_is_not_positive_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
