/* Flows whose layers and base do or do not fit together, column by column. */
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
        {"{preprocess: [{kind: dequantize, levels: 3}, {kind: logit}], flow: {layers: "
         "[" AFFINE "]}}",
         {NULL}},
        {"{preprocess: [{kind: dequantize, levels: 3, columns: 1}, {kind: logit, "
         "columns: 1}, {kind: log, columns: 0}, {kind: standardize}], flow: {layers: "
         "[" AFFINE "]}}",
         {NULL}},
        {"{preprocess: [{kind: dequantize, levels: 3, columns: 1}, {kind: permutation},"
         " {kind: logit}], flow: {layers: [" AFFINE "]}}",
         {NULL}}, /* the others may be shares */
        {"{preprocess: [{kind: box, columns: 1}, {kind: log, columns: [0, 2]}], flow: "
         "{layers: [" AFFINE "]}}",
         {NULL}},
        {"{preprocess: [{kind: dequantize, levels: 3, columns: 1}], flow: {layers: "
         "[" AFFINE "]}}",
         {"01_elementwise_affine takes any number in column 1",
          "00_dequantize gives numbers between 0 and 1"}},
        {"{preprocess: [{kind: standardize}, {kind: box}, {kind: log, columns: 2}], "
         "flow: {layers: [{kind: inverse_softplus}, " AFFINE "]}}",
         {NULL}}, /* of what data becomes, every number is checked */
        {"{preprocess: [{kind: sigmoid, columns: 1}], flow: {layers: [{kind: "
         "standardize}, " AFFINE "]}}",
         {"standardize may only stand"}},
        {"{preprocess: [{kind: dequantize}, {kind: standardize}], flow: {layers: "
         "[" AFFINE "]}}",
         {"01_standardize takes any number", "add a layer that takes those (logit"}},
        {"{preprocess: [{kind: dequantize, levels: 3}, {kind: dequantize, levels: 3}], "
         "flow: {layers: [" AFFINE "]}}",
         {"01_dequantize takes whole numbers"}},
        {"{flow: {layers: [" AFFINE ", {kind: sigmoid, columns: 1}, {kind: "
         "permutation}, {kind: logit, columns: 1}]}}",
         {"03_logit takes numbers between 0 and 1",
          "02_permutation gives columns of different ranges in a new order"}},
        {"{flow: {layers: [" AFFINE ", {kind: sigmoid, columns: 1}]}}",
         {"normal", "01_sigmoid gives numbers between 0 and 1 in column 1"}},
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

/* Nothing is read where nothing can be out of range. */
static void layers_that_take_any_number_are_not_limited(void **state)
{
    static const struct {
        const char *yaml;
        int64_t first;
        bool limited;
    } flows[] = {
        {BUILD_DENSITY, 0, false},
        {"{preprocess: [{kind: standardize}, {kind: tanh}, {kind: signed_log}], flow: "
         "{layers: [" AFFINE "]}}",
         0, false},
        {"{flow: {layers: [" AFFINE ", {kind: sigmoid}, {kind: logit}]}}", 0, false},
        {"{preprocess: [{kind: log}, {kind: standardize}], flow: {layers: [" AFFINE
         "]}}",
         0, true},
        {"{preprocess: [{kind: log}, {kind: standardize}], flow: {layers: [" AFFINE
         "]}}",
         1, false},
        {"{flow: {layers: [{kind: permutation}, {kind: logit}, " AFFINE "]}}", 1, true},
    };
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
        const flo_flow *const flow = build_flow(*state, flows[i].yaml, D, 0);
        assert_int_equal(
            flo_ranges_are_limited(flow->layer, flows[i].first, flow->fixed),
            flows[i].limited);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(layers_must_take_what_the_one_before_gives),
        FIXTURE_TEST(layers_that_take_any_number_are_not_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
