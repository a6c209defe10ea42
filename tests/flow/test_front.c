/* Rows through the first layers: what they become, and which number is refused. */
#include "flow/front.h"

#include "flow/build.h"

enum { D = 3, C = 2, ROWS = 600 };

typedef struct rows {
    flo_real *x, *context, *weight;
} rows;

/* Whole numbers from 0 to 6, context from 1 to 7. */
static rows make_rows(fixture *f)
{
    rows r = {build_reals(f, ROWS * D), build_reals(f, ROWS * C), build_reals(f, ROWS)};
    for (int64_t i = 0; i < ROWS * D; i++)
        r.x[i] = (flo_real)(i * 5 % 7);
    for (int64_t i = 0; i < ROWS * C; i++)
        r.context[i] = (flo_real)(1 + i * 3 % 7);
    for (int64_t i = 0; i < ROWS; i++)
        r.weight[i] = 1;
    return r;
}

static flo_front *front_of(fixture *f, const flo_flow *flow)
{
    flo_front *front;
    assert_int_equal(flo_front_create(f->arena, flow, &front), FLO_OK);
    return front;
}

/* The same numbers as in a pass of the flow over the same rows of the split. */
static void rows_become_what_the_flow_makes_of_them(void **state)
{
    static const char yaml[] =
        "{preprocess: [{kind: dequantize, levels: 7, columns: [0, 2]}, {kind: log, "
        "offset: 1, columns: 1}, {kind: logit, columns: [0, 2]}, {kind: permutation}, "
        "{kind: standardize}], "
        "preprocess_context: [{kind: log}, {kind: standardize}], flow: {layers: "
        "[{kind: permutation}, {kind: elementwise_affine}]}}";
    fixture *const f = *state;
    const flo_flow *const flow = build_flow(f, yaml, D, C);
    const rows r = make_rows(f);
    flo_workspace w = build_workspace(f, flow, ROWS, true);
    memcpy(w.value[0], r.x, ROWS * D * sizeof *r.x);
    memcpy(w.raw_context, r.context, ROWS * C * sizeof *r.x);
    flo_workspace_condition(flow, &w);
    flo_workspace_dither(flow, &w, 0, ROWS, 4321);
    flo_flow_forward(flow, build_theta(f, flow), &w);
    flo_refusal refusal;
    flo_front_pass(front_of(f, flow), 6, 2, 4321, ROWS, r.x, r.context, r.weight,
                   &refusal);
    assert_null(refusal.layer);
    assert_same_bits("x", ROWS * D * sizeof *r.x, r.x, w.value[6]);
    assert_same_bits("context", ROWS * C * sizeof *r.x, r.context, w.context);
}

static void no_layers_leave_rows_alone(void **state)
{
    fixture *const f = *state;
    const flo_flow *const flow = build_flow(f, BUILD_DENSITY, D, C);
    const rows r = make_rows(f), before = make_rows(f);
    flo_refusal refusal;
    flo_front_pass(front_of(f, flow), 0, 0, 0, ROWS, r.x, r.context, r.weight,
                   &refusal);
    assert_null(refusal.layer);
    assert_same_bits("x", ROWS * D * sizeof *r.x, r.x, before.x);
    assert_same_bits("context", ROWS * C * sizeof *r.x, r.context, before.context);
}

/* A number `bad` in row 300 of column `column` (of the context from D on). */
static void check_refused(fixture *f, const char *yaml, int64_t column, double bad,
                          const char *layer, int64_t place, double value,
                          const char *words)
{
    const flo_flow *const flow = build_flow(f, yaml, D, C);
    const rows r = make_rows(f);
    *(column < D ? &r.x[300 * D + column] : &r.context[300 * C + column - D]) =
        (flo_real)bad;
    r.weight[7] = 0; /* and one that does not count */
    r.x[7 * D] = -5;
    flo_refusal found;
    flo_front_pass(front_of(f, flow), flow->fixed, flow->context_layers, 1000, ROWS,
                   r.x, r.context, r.weight, &found);
    if (!found.layer || strcmp(found.layer->name, layer) != 0)
        fail_msg("%s: refused by %s, wanted %s", yaml,
                 found.layer ? found.layer->name : "none", layer);
    assert_int_equal(found.row, 1300);
    assert_int_equal(found.of_context, column >= D);
    assert_int_equal(found.column, column % D);
    assert_int_equal(found.place, place);
    assert_near(found.value, value, near_enough);
    char text[512];
    flo_front_explain(&found, text, sizeof text);
    if (!strstr(text, words))
        fail_msg("%s: `%s` is not in: %s", yaml, words, text);
}

#define FLOW ", flow: {layers: [{kind: elementwise_affine}]}}"

static void refused_numbers_are_found(void **state)
{
    fixture *const f = *state;
    check_refused(f, "{preprocess: [{kind: dequantize, levels: 7}, {kind: logit}]" FLOW,
                  1, 7, "00_dequantize", 1, 7,
                  "a whole number from 0 to 6; set levels");
    check_refused(f, "{preprocess: [{kind: dequantize, levels: 7}, {kind: logit}]" FLOW,
                  2, 2.5, "00_dequantize", 2, 2.5, "a whole number");
    check_refused(f, "{preprocess: [{kind: log, offset: 1}]" FLOW, 0, -1, "00_log", 0,
                  -1, "a number above -1 (offset: 1); raise `offset`");
    check_refused(f, "{preprocess: [{kind: box, low: -9, high: 9}]" FLOW, 1, 9,
                  "00_box", 1, 9, "above -9 and below 9; set low and high");
    check_refused(f,
                  "{preprocess: [{kind: box, low: -1, high: 9, columns: [0, 2]}]" FLOW,
                  2, 11, "00_box", 2, 11, "above -1 and below 9");
}

/* Behind layers that move columns or change numbers, column and row are the data's. */
static void refused_numbers_are_those_of_the_data(void **state)
{
    fixture *const f = *state;
    check_refused(
        f,
        "{preprocess: [{kind: signed_log}, {kind: permutation, order: "
        "reverse}, {kind: box, low: -1, high: 9, columns: 0}], flow: {layers: "
        "[{kind: permutation}, {kind: elementwise_affine}]}}",
        2, -3, "02_box", 0, -log(4), "above -1 and below 9");
    check_refused(f,
                  "{preprocess: [], preprocess_context: [{kind: permutation, order: "
                  "reverse}, {kind: log}]" FLOW,
                  D, -2, "context_01_log", 1, -2, "a number above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(rows_become_what_the_flow_makes_of_them),
        FIXTURE_TEST(no_layers_leave_rows_alone),
        FIXTURE_TEST(refused_numbers_are_found),
        FIXTURE_TEST(refused_numbers_are_those_of_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
