/* The summed gradient: the same bits on any number of threads and in any buckets. */
#include "train/gradient.h"

#include "train/step.h"

/* The last is of more parameters than threads add at a time. */
static const char *const objectives[] = {
    STEP_LIKELIHOOD, STEP_REVERSE_KL,
    "flow: {layers: [{repeat: 2, layers: [{kind: affine_coupling, hidden: [64, 96], "
    "dropout: 0.1}]}]}"};
static const int64_t lane_counts[] = {16, 6};

/* What one way of computing gives, in memory of its own. */
typedef struct result {
    int64_t P;
    flo_real *gradient;
    double value[64], weight[64];
} result;

static result compute(const char *yaml, int64_t lanes, int threads, double bucket_mb)
{
    step s;
    step_create(&s, yaml, lanes, threads, bucket_mb);
    result r = {.P = s.P, .gradient = malloc((size_t)s.P * sizeof(flo_real))};
    flo_real *const theta = s.theta, *const other = build_reals(&s.f, s.P);
    for (int64_t i = 0; i < s.P; i++)
        other[i] = theta[i] / 2;
    for (int again = 0; again < 4; again++) { /* nothing is left from a step before */
        s.theta = again % 2 ? theta : other;
        assert_int_equal(step_compute(&s), 0);
    }
    memcpy(r.gradient, flo_gradient_vector(s.gradient), (size_t)s.P * sizeof(flo_real));
    memcpy(r.value, s.value, sizeof r.value);
    memcpy(r.weight, s.weight, sizeof r.weight);
    step_destroy(&s);
    return r;
}

static void bits_do_not_depend_on_threads_or_buckets(void **state)
{
    (void)state;
    const int threads[] = {1, 2, 3, 5};
    const double bucket_mb[] = {4, 1e-3, 1e-9};
    for (int o = 0; o < 6; o++) {
        const char *const yaml = objectives[o / 2];
        const int64_t lanes = lane_counts[o % 2];
        result wanted = compute(yaml, lanes, 1, 4);
        assert_all_finite("gradient", wanted.P, wanted.gradient);
        for (int i = 0; i < 12; i++) {
            result found = compute(yaml, lanes, threads[i / 3], bucket_mb[i % 3]);
            assert_same_bits("gradient", (size_t)wanted.P * sizeof(flo_real),
                             found.gradient, wanted.gradient);
            assert_same_bits("values", sizeof wanted.value, found.value, wanted.value);
            assert_same_bits("weights", sizeof found.weight, found.weight,
                             wanted.weight);
            free(found.gradient);
        }
        free(wanted.gradient);
    }
}

/* Reverse KL draws by the row of the global batch, so lanes only change the rounding.
 */
static void lanes_change_nothing_but_the_rounding(void **state)
{
    (void)state;
    result one = compute(STEP_REVERSE_KL, 1, 1, 4);
    for (int l = 0; l < 2; l++) {
        result many = compute(STEP_REVERSE_KL, lane_counts[l], 2, 4);
        assert_all_near("gradient", one.P, many.gradient, one.gradient,
                        10 * near_enough);
        double value = 0;
        for (int64_t lane = 0; lane < lane_counts[l]; lane++)
            value += many.value[lane];
        assert_near(value, one.value[0], near_enough);
        free(many.gradient);
    }
    free(one.gradient);
}

static double minus_the_sum_of_values(void *data)
{
    step *const s = data;
    step_compute(s);
    double sum = 0;
    for (int64_t lane = 0; lane < s->plan.lanes; lane++)
        sum -= s->value[lane];
    return sum;
}

/* A lane of one row has none where that has no weight: it adds nothing to what was
   computed where its sums lie. */
static void lanes_without_rows_add_nothing(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        step s;
        step_create(&s, STEP_LIKELIHOOD, STEP_BATCH, threads, 4);
        step_compute(&s);
        int64_t empty = 0;
        for (int64_t lane = 0; lane < STEP_BATCH; lane++)
            empty += s.weight[lane] == 0;
        assert_true(empty > 2);
        const int64_t P = s.flow->parameters.size;
        flo_real *const gradient = malloc((size_t)P * sizeof *gradient);
        assert_non_null(gradient);
        step_compute(&s);
        memcpy(gradient, flo_gradient_vector(s.gradient), (size_t)P * sizeof *gradient);
        assert_gradient("theta", P, gradient, s.theta, minus_the_sum_of_values, &s);
        free(gradient);
        step_destroy(&s);
    }
}

static void another_step_has_other_samples(void **state)
{
    (void)state;
    step s;
    step_create(&s, /* without dropout, which depends on the step too */
                "{" STEP_TARGET ", flow: {direction: sampling, layers: "
                "[{kind: lu_linear}]}}",
                6, 1, 4);
    step_compute(&s);
    const double before = s.value[0];
    s.number++;
    step_compute(&s);
    assert_true(s.value[0] != before);
    step_destroy(&s);
}

static void a_value_that_is_not_finite_is_counted_and_its_layer_named(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        step s;
        step_create(&s, STEP_LIKELIHOOD, 6, threads, 4);
        step_compute(&s);
        assert_null(flo_gradient_bad_layer(s.gradient));
        const flo_layer *const layer = &s.flow->layer[6];
        flo_real *const bias = &s.theta[s.flow->layer[7].parameters - 1];
        *bias = (flo_real)NAN;
        int64_t counted = 0;
        for (int64_t lane = 0; lane < 6; lane++) { /* rows of weight 0 do not count */
            flo_batch batch = example_batch(STEP_BATCH, STEP_D, STEP_C);
            flo_feed_fetch(s.feed, lane, &batch);
            for (int64_t i = 0; i < batch.rows; i++)
                counted += batch.weight[i] != 0;
            example_free(&batch);
        }
        assert_true(counted > 0 && counted < STEP_BATCH);
        for (int again = 0; again < 2; again++)
            assert_int_equal(step_compute(&s), counted);
        assert_string_equal(flo_gradient_bad_layer(s.gradient), layer->name);
        *bias = 0;
        assert_int_equal(step_compute(&s), 0);
        assert_null(flo_gradient_bad_layer(s.gradient));
        step_destroy(&s);
    }
}

/* The n-th allocation fails, for every n: a status, and nothing leaks. */
static void creation_survives_every_failed_allocation(void **state)
{
    (void)state;
    step s;
    step_create(&s, STEP_LIKELIHOOD, 16, 1, 1e-3);
    flo_status status = FLO_ERROR_MEMORY;
    int64_t n = 0;
    while (status != FLO_OK) {
        flo_context *context;
        flo_arena *arena;
        flo_gradient *gradient = NULL;
        assert_int_equal(flo_context_create(&context), FLO_OK);
        assert_int_equal(flo_arena_create(context, &arena), FLO_OK);
        context->fail_at = 2 + n++;
        const flo_gradient_task task = {s.objective, s.flow, s.feed,       &s.plan,
                                        3,           1e-3,   FLO_GEMM_FULL};
        status = flo_gradient_create(s.comm, arena, &task, &gradient);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        flo_gradient_destroy(&gradient);
        flo_arena_destroy(&arena);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
    assert_true(n > 4);
    step_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_do_not_depend_on_threads_or_buckets),
        cmocka_unit_test(lanes_change_nothing_but_the_rounding),
        cmocka_unit_test(lanes_without_rows_add_nothing),
        cmocka_unit_test(another_step_has_other_samples),
        cmocka_unit_test(a_value_that_is_not_finite_is_counted_and_its_layer_named),
        cmocka_unit_test(creation_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
