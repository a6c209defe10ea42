/* Flows whose layers, base and data do or do not fit together. */
#include "flow/ranges.h"

#include "flow/build.h"

enum { D = 3 };

#define AFFINE "{kind: elementwise_affine}"

/* The status of a flow of these layers, and the words that its message must hold. */
static void assert_made(fixture *f, const char *yaml, const char *const *words)
{
    flo_flow *flow;
    const flo_status status = flo_flow_create(f->arena, parse(f, yaml), D, 0, 1, &flow);
    const char *const message = flo_context_message(f->context);
    if ((status == FLO_OK) != !words[0] || (words[0] && status != FLO_ERROR_CONFIG))
        fail_msg("%s: status %d, message: %s", yaml, status, message);
    for (int i = 0; words[i]; i++)
        if (!strstr(message, words[i]))
            fail_msg("%s: `%s` is not in: %s", yaml, words[i], message);
}

static void layers_must_take_what_the_one_before_gives(void **state)
{
    static const struct {
        const char *yaml, *words[4];
    } flows[] = {
        {"{flow: {layers: [{kind: logit}, " AFFINE "]}}", {NULL}},
        {"{flow: {layers: [" AFFINE ", {kind: sigmoid}, {kind: logit}]}}", {NULL}},
        {"{flow: {layers: [" AFFINE ", {kind: sigmoid}, {kind: permutation}, "
         "{kind: logit}]}}",
         {NULL}},
        {"{preprocess: [{kind: inverse_softplus}], flow: {layers: [" AFFINE "]}}",
         {NULL}},
        {"{flow: {direction: sampling, layers: [" AFFINE ", {kind: sigmoid}]}}",
         {NULL}},
        {"{flow: {layers: [{kind: permutation}, {kind: softplus}, "
         "{kind: inverse_softplus}, " AFFINE "]}}",
         {NULL}},
        {"{flow: {layers: [" AFFINE ", {kind: logit}]}}",
         {"flow.layers", "01_logit takes numbers between 0 and 1",
          "00_elementwise_affine gives any number"}},
        {"{flow: {layers: [{kind: sigmoid}, " AFFINE "]}}",
         {"01_elementwise_affine takes any number", "00_sigmoid"}},
        {"{flow: {layers: [{kind: softplus}, {kind: logit}, " AFFINE "]}}",
         {"01_logit", "00_softplus gives positive numbers"}},
        {"{flow: {layers: [" AFFINE ", {kind: sigmoid}, {kind: permutation}]}}",
         {"normal", "02_permutation gives numbers between 0 and 1"}},
        {"{flow: {direction: sampling, layers: [{kind: logit}, " AFFINE "]}}",
         {"00_logit", "normal gives any number"}},
    };
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++)
        assert_made(*state, flows[i].yaml, flows[i].words);
}

/* Least and greatest numbers of the columns, and what is said of them. */
static void assert_data(fixture *f, const char *yaml, const double *low,
                        const double *high, const char *column)
{
    const flo_flow *const flow = build_flow(f, yaml, D, 0);
    assert_true(flo_ranges_are_limited(flow));
    const flo_status status = flo_ranges_check_data(flow, "rows", low, high);
    assert_int_equal(status, column ? FLO_ERROR_DATA : FLO_OK);
    if (column && !strstr(flo_context_message(f->context), column))
        fail_msg("%s: `%s` is not in: %s", yaml, column,
                 flo_context_message(f->context));
}

static void data_must_lie_where_the_first_layers_take_it(void **state)
{
    static const char logit[] =
        "{preprocess: [{kind: logit}], flow: {layers: [" AFFINE "]}}";
    static const char open[] = "{flow: {layers: [{kind: permutation}, {kind: logit, "
                               "alpha: 0}, " AFFINE "]}}";
    static const char positive[] =
        "{preprocess: [{kind: inverse_softplus}, {kind: tanh}], flow: {layers: [" AFFINE
        "]}}";
    const double zero[D] = {0, 0, 0}, one[D] = {1, 1, 1}, some[D] = {0.1, 0.2, 0.3};
    const double below[D] = {0.1, -0.5, 0.2}, above[D] = {0.9, 0.9, 1.5};
    const double large[D] = {1e6, 1, 2};
    assert_data(*state, logit, zero, one, NULL);
    assert_data(*state, logit, below, one, "00_logit: column 1 of data set 'rows'");
    assert_data(*state, logit, zero, above, "00_logit: column 2");
    assert_data(*state, open, some, some, NULL);
    assert_data(*state, open, zero, some, "01_logit: column");
    assert_data(*state, positive, some, large, NULL);
    assert_data(*state, positive, below, large, "00_inverse_softplus: column 1");
    assert_data(*state, positive, zero, large, "00_inverse_softplus: column 0");
}

/* Nothing is read where nothing can be out of range. */
static void flows_that_take_any_number_are_not_limited(void **state)
{
    static const char *const flows[] = {
        BUILD_DENSITY, BUILD_SAMPLING,
        "{preprocess: [{kind: standardize}, {kind: tanh}], flow: {layers: [" AFFINE
        "]}}",
        "{flow: {layers: [" AFFINE ", {kind: sigmoid}, {kind: logit}]}}"};
    for (int i = 0; i < 4; i++)
        assert_false(flo_ranges_are_limited(build_flow(*state, flows[i], D, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(layers_must_take_what_the_one_before_gives),
        FIXTURE_TEST(data_must_lie_where_the_first_layers_take_it),
        FIXTURE_TEST(flows_that_take_any_number_are_not_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
