/* What is minimised: the whole gradient of flows, values in closed form, and errors. */
#include "objective/objective.h"

#include "flow/tiles.h"
#include "train/step.h"

/* Minus the weighted sum of values, what the gradient is of. */
static double loss(void *data)
{
    step *const s = data;
    step_compute(s);
    double sum = 0;
    for (int64_t lane = 0; lane < s->plan.lanes; lane++)
        sum -= s->value[lane];
    return sum;
}

static void check_gradient(const char *yaml)
{
    step s;
    step_create(&s, yaml, 6, 1, 4);
    flo_real *const gradient = build_reals(&s.f, s.P);
    assert_int_equal(step_compute(&s), 0);
    memcpy(gradient, flo_gradient_vector(s.gradient), (size_t)s.P * sizeof *gradient);
    assert_parameter_gradients("flow", &s.flow->parameters, gradient, s.theta, loss,
                               &s);
    step_destroy(&s);
}

static void the_gradient_of_the_weighted_likelihood(void **state)
{
    (void)state;
    check_gradient(STEP_LIKELIHOOD); /* context, dropout, preprocess */
    check_gradient("flow: {layers: [{kind: affine_coupling, width: 6, blocks: 2}, "
                   "{kind: permutation, order: reverse}, {kind: affine_coupling, "
                   "hidden: 5}]}");
}

/* A base learns with the layers, and alone: the flow is then that density. */
static void the_gradient_of_learned_bases(void **state)
{
    (void)state;
    check_gradient("flow: {base: {kind: student_t, hidden: [4], activation: tanh}, "
                   "layers: [{kind: lu_linear}]}");
    check_gradient("flow: {base: {kind: mixture, components: 3}, layers: []}");
    check_gradient("flow: {base: {kind: autoregressive_mixture, components: 2, hidden: "
                   "[7], activation: tanh, dropout: 0.3}, layers: [{kind: "
                   "elementwise_affine}]}");
}

static void the_gradient_of_reverse_kl(void **state)
{
    (void)state;
    check_gradient(STEP_REVERSE_KL);
}

/* Without dropout, values are weights times log-densities of the lane's rows. */
static void likelihood_values_are_weighted_log_densities(void **state)
{
    (void)state;
    step s;
    step_create(&s,
                "flow: {layers: [{kind: lu_linear}, {kind: affine_coupling, "
                "hidden: 5}]}",
                6, 1, 4);
    assert_int_equal(step_compute(&s), 0);
    flo_tiles *tiles;
    assert_int_equal(flo_tiles_create(s.e.arena, s.flow, 1, &tiles), FLO_OK);
    for (int64_t lane = 0; lane < 6; lane++) {
        flo_batch batch = example_batch(STEP_BATCH, STEP_D, STEP_C);
        double log_prob[STEP_BATCH], value = 0, weight = 0;
        flo_feed_fetch(s.feed, lane, &batch);
        flo_tiles_log_prob(tiles, s.theta, 0, batch.rows, batch.x, batch.context,
                           log_prob, NULL);
        for (int64_t i = 0; i < batch.rows; i++) {
            value += (double)batch.weight[i] * log_prob[i];
            weight += (double)batch.weight[i];
        }
        assert_near(s.value[lane], value, near_enough);
        assert_near(s.weight[lane], weight, 1e-12);
        example_free(&batch);
    }
    step_destroy(&s);
}

/* With the flow that is the target, every sample's value is the log-evidence, and the
   gradient of their sum is 0 up to the noise of the score. */
static void reverse_kl_of_the_target_itself_is_the_evidence(void **state)
{
    (void)state;
    step s;
    step_create(&s,
                "{objective: {kind: reverse_kl, target: {kind: correlated_normal, "
                "features: 3, mean: 0.5, deviation: 0.8, correlation: 0.6, "
                "log_evidence: 1.25}}, flow: {direction: sampling, layers: "
                "[{kind: lu_linear}]}}",
                4, 1, 4);
    const double m = 1e-3, c = log(expm1(1 - m)), r = 0.6, spread = sqrt(1 - r * r);
    fill_reals(s.P, 0, s.theta);
    for (int64_t i = 0; i < 3; i++) { /* L S = deviation times the Cholesky factor */
        const double S = 0.8 * (i ? spread : 1);
        s.theta[i * 3 + i] = (flo_real)(log(expm1(S - m)) - c);
        for (int64_t j = 0; j < i; j++)
            s.theta[i * 3 + j] = (flo_real)pow(r, (double)(i - j));
        s.theta[9 + i] = (flo_real)0.5;
    }
    assert_int_equal(step_compute(&s), 0);
    for (int64_t lane = 0; lane < 4; lane++) {
        assert_near(s.weight[lane], 10, 0);
        assert_near(s.value[lane] / 10, 1.25, near_enough);
    }
    step_destroy(&s);
}

static void rows_of_weight_zero_do_not_count(void **state)
{
    (void)state;
    flo_real weight[5] = {1, 0, 2, 0, (flo_real)0.5};
    double log_prob[5] = {-1, (double)NAN, 3, -(double)INFINITY, -4};
    const flo_workspace w = {.rows = 5, .weight = weight, .log_prob = log_prob};
    flo_lane_result result = flo_objective_sum(&w);
    assert_near(result.value, -1 + 6 - 2, 0);
    assert_near(result.weight, 3.5, 0);
    assert_int_equal(result.nonfinite, 0);
    weight[1] = weight[3] = 1;
    result = flo_objective_sum(&w);
    assert_int_equal(result.nonfinite, 2);
    assert_near(result.weight, 5.5, 0);
}

static void every_kind_is_known_and_likelihood_is_the_default(void **state)
{
    fixture *const f = *state;
    flo_objective *objective;
    flo_node *const root = parse(f, "{}");
    assert_int_equal(flo_objective_create(f->arena, root, &objective), FLO_OK);
    assert_string_equal(objective->kind->name, "likelihood");
    assert_true(objective->kind->uses_data);
    assert_non_null(flo_node_find(flo_node_find(root, "objective"), "kind"));
    assert_int_equal(
        flo_objective_create(f->arena, parse(f, "{" STEP_TARGET "}"), &objective),
        FLO_OK);
    assert_string_equal(objective->kind->name, "reverse_kl");
    assert_false(objective->kind->uses_data);
    assert_int_equal(objective->features, 3);
}

static void wrong_objectives_are_refused(void **state)
{
    static const struct {
        const char *yaml, *word;
    } bad[] = {
        {"objective: {kind: elbow}", "{kind: likelihood} or {kind: reverse_kl"},
        {"objective: likelihood", "{kind: likelihood}"},
        {"objective: null", "{kind: likelihood}"},
        {"objective: {kind: reverse_kl, target: null}", "target"},
        {"objective: {target: {kind: normal}}", "{kind: likelihood}"},
        {"objective: {kind: reverse_kl}", "target"},
        {"objective: {kind: reverse_kl, target: {kind: cauchy}}", "a kind of density"},
        {"objective: {kind: reverse_kl, target: {kind: normal}}",
         "knows its dimension"},
        {"objective: {kind: likelihood, weight: 1}", "weight"},
    };
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        flo_objective *objective;
        const flo_status status =
            flo_objective_create(f->arena, parse(f, bad[i].yaml), &objective);
        const char *const message = flo_context_message(f->context);
        if (status != FLO_ERROR_CONFIG || !strstr(message, bad[i].word) ||
            !strstr(message, "objective"))
            fail_msg("%s: status %d, message: %s", bad[i].yaml, status, message);
    }
}

static void a_flow_of_the_other_direction_is_refused(void **state)
{
    fixture *const f = *state;
    const char *const pairs[2] = {
        "flow: {direction: sampling, layers: [{kind: lu_linear}]}",
        "{" STEP_TARGET ", flow: {layers: [{kind: lu_linear}]}}"};
    const char *const words[2] = {
        "flow.direction: density, which objective likelihood needs",
        "flow.direction: sampling, which objective reverse_kl needs"};
    for (int i = 0; i < 2; i++) {
        flo_objective *objective;
        flo_node *const root = parse(f, pairs[i]);
        const flo_flow *const flow = build_flow(f, pairs[i], 3, 0);
        assert_int_equal(flo_objective_create(f->arena, root, &objective), FLO_OK);
        assert_int_equal(flo_objective_check(objective, f->arena, root, flow),
                         FLO_ERROR_CONFIG);
        assert_non_null(strstr(flo_context_message(f->context), words[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_of_the_weighted_likelihood),
        cmocka_unit_test(the_gradient_of_learned_bases),
        cmocka_unit_test(the_gradient_of_reverse_kl),
        cmocka_unit_test(likelihood_values_are_weighted_log_densities),
        cmocka_unit_test(reverse_kl_of_the_target_itself_is_the_evidence),
        cmocka_unit_test(rows_of_weight_zero_do_not_count),
        FIXTURE_TEST(every_kind_is_known_and_likelihood_is_the_default),
        FIXTURE_TEST(wrong_objectives_are_refused),
        FIXTURE_TEST(a_flow_of_the_other_direction_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
