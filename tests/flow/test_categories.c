/* Categories of the context: one-hot columns, and values that are not known. */
#include "flow/categories.h"

#include "flow/build.h"
#include "flow/front.h"
#include "flow/tiles.h"

enum { D = 3, C = 3, N = FLO_TILE_ROWS + 9 };

#define CATEGORIES                                                                     \
    "context_categories: [{column: 0, values: [-7, 0, 3]}, {column: 2, values: "       \
    "[5]}], "
static const char density[] = BUILD_DENSITY_WITH(CATEGORIES);
static const char sampling[] = BUILD_SAMPLING_WITH(CATEGORIES);

static flo_categories read(fixture *f, const char *yaml)
{
    flo_categories c;
    if (flo_categories_read(f->arena, parse(f, yaml), C, &c) != FLO_OK)
        fail_msg("%s: %s", yaml, flo_context_message(f->context));
    return c;
}

static void rows_are_encoded_column_by_column(void **state)
{
    const flo_categories c = read(*state, density);
    const flo_real from[3][C] = {{0, 8, 5}, {3, -1, 5}, {1, 2, (flo_real)5.5}};
    const flo_real wanted[3][5] = {{0, 1, 0, 8, 1}, {0, 0, 1, -1, 1}, {0, 0, 0, 2, 0}};
    flo_real found[3][5];
    assert_int_equal(c.encoded, 5);
    flo_categories_encode(&c, 3, from[0], found[0]);
    assert_memory_equal(found, wanted, sizeof wanted);
    assert_null(flo_categories_unknown(&c, from[0]));
    assert_ptr_equal(flo_categories_unknown(&c, from[2]), &c.column[0]);
    assert_ptr_equal(flo_categories_at(&c, 2), &c.column[1]);
    assert_null(flo_categories_at(&c, 1));
}

static void every_value_is_found_and_no_other(void **state)
{
    flo_real value[FLO_CATEGORIES_MOST];
    for (int64_t n = 1; n <= FLO_CATEGORIES_MOST; n += 1 + n / 3) {
        const flo_category category = {0, n, value};
        for (int64_t k = 0; k < n; k++)
            value[k] = (flo_real)(3 * k - 20);
        for (int64_t k = 0; k < n; k++) {
            assert_int_equal(flo_category_find(&category, value[k]), k);
            assert_int_equal(flo_category_find(&category, value[k] + 1), -1);
        }
        assert_int_equal(flo_category_find(&category, -21), -1);
        assert_int_equal(flo_category_find(&category, (flo_real)NAN), -1);
    }
    (void)state;
}

static void text_is_read_back(void **state)
{
    fixture *const f = *state;
    const flo_categories c = read(f, density);
    char *text, *again, list[200];
    assert_int_equal(flo_categories_print(f->arena, &c, &text), FLO_OK);
    assert_string_equal(text,
                        "[{column: 0, values: [-7, 0, 3]}, {column: 2, values: [5]}]");
    assert_int_equal(
        flo_arena_print(f->arena, &again, "{context_categories: %s}", text), FLO_OK);
    assert_int_equal(read(f, again).encoded, c.encoded);
    assert_int_equal(read(f, "{flow: {}}").encoded, C);
    flo_category_list(&c.column[0], list, sizeof list);
    assert_string_equal(list, "3 categories: -7, 0, 3");
    flo_real many[30];
    for (int k = 0; k < 30; k++)
        many[k] = (flo_real)k;
    flo_category_explain(&(flo_category){0, 30, many}, list, sizeof list);
    assert_string_equal(list, "one of the 30 categories that were trained on: 0, 1, 2, "
                              "3, 4, 5, 6, 7, 8, 9, 10, .. 29");
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const bad[][2] = {
        {"{column: 0}", "a list such as"},
        {"[{column: 0, values: [2, 1]}]", "rising"},
        {"[{column: 0, values: [1, 1]}]", "rising"},
        {"[{column: 0, values: []}]", "an empty list"},
        {"[{column: 0, values: [1.5]}]", "values"},
        {"[{column: 0, values: [99999999999999999]}]", "values"},
        {"[{column: 3, values: [1]}]", "one of the 3 context columns"},
        {"[{column: 1, values: [1]}, {column: 1, values: [1]}]", "each once"},
        {"[{column: 1, values: [1], value: 2}]", "value"},
        {"[3]", "a map"},
    };
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        flo_categories c;
        char *yaml;
        assert_int_equal(
            flo_arena_print(f->arena, &yaml, "{context_categories: %s}", bad[i][0]),
            FLO_OK);
        const flo_status status = flo_categories_read(f->arena, parse(f, yaml), C, &c);
        const char *const message = flo_context_message(f->context);
        if (status != FLO_ERROR_CONFIG || !strstr(message, bad[i][1]))
            fail_msg("%s: status %d, message: %s", yaml, status, message);
    }
}

/* Context of known categories, but row 3 and row N - 1. */
static flo_real *make_context(fixture *f)
{
    static const flo_real label[] = {-7, 0, 3};
    flo_real *const context = build_reals(f, N * C);
    draw_normals(2, 1, N * C, context);
    for (int64_t i = 0; i < N; i++) {
        context[i * C] = label[i % 3];
        context[i * C + 2] = 5;
    }
    context[3 * C] = 1;
    context[(N - 1) * C + 2] = 6;
    return context;
}

static bool is_known(int64_t row)
{
    return row != 3 && row != N - 1;
}

/* The label counts by what it is, not by how large it is: another number in its place
   gives the same density where it is declared so. */
static void densities_depend_on_the_category_alone(void **state)
{
    fixture *const f = *state;
    const flo_flow *const flow = build_flow(f, density, D, C);
    const flo_flow *const other =
        build_flow(f,
                   BUILD_DENSITY_WITH(
                       "context_categories: [{column: 0, values: [100, 101, 9999]}, "
                       "{column: 2, values: [5]}], "),
                   D, C);
    assert_int_equal(flow->parameters.size, other->parameters.size);
    flo_real *const theta = build_theta(f, flow), *const x = build_reals(f, N * D);
    flo_real *const context = make_context(f);
    double found[N], moved[N];
    flo_tiles *tiles;
    draw_normals(1, 1, N * D, x);
    assert_int_equal(flo_tiles_create(f->arena, flow, 2, &tiles), FLO_OK);
    flo_tiles_log_prob(tiles, theta, 0, N, x, context, found, NULL);
    for (int64_t i = 0; i < N; i++)
        context[i * C] = context[i * C] == -7 ? 100 : context[i * C] == 0 ? 101 : 9999;
    assert_int_equal(flo_tiles_create(f->arena, other, 1, &tiles), FLO_OK);
    flo_tiles_log_prob(tiles, theta, 0, N, x, context, moved, NULL);
    for (int64_t i = 0; i < N; i++) {
        assert_int_equal(isnan(found[i]), !is_known(i));
        if (is_known(i))
            assert_true(found[i] == moved[i]);
    }
    assert_true(found[0] != found[1]);
}

static void samples_under_an_unknown_category_are_nan(void **state)
{
    static const char *const both[] = {density, sampling};
    fixture *const f = *state;
    for (int way = 0; way < 2; way++) {
        const flo_flow *const flow = build_flow(f, both[way], D, C);
        flo_real *const context = make_context(f), *const x = build_reals(f, N * D);
        flo_tiles *tiles;
        assert_int_equal(flo_tiles_create(f->arena, flow, 2, &tiles), FLO_OK);
        flo_tiles_sample(tiles, build_theta(f, flow), 1, 7, N, 1, context, x);
        for (int64_t i = 0; i < N * D; i++)
            assert_int_equal(isnan(x[i]), !is_known(i / D));
    }
}

static void the_first_unknown_row_that_counts_is_refused(void **state)
{
    fixture *const f = *state;
    const flo_flow *const flow = build_flow(f, density, D, C);
    flo_real *const context = make_context(f), *const x = build_reals(f, N * D);
    flo_real *const weight = build_reals(f, N);
    flo_front *front;
    flo_refusal found;
    char text[300];
    for (int64_t i = 0; i < N; i++)
        weight[i] = i != 3;
    assert_int_equal(flo_front_create(f->arena, flow, &front), FLO_OK);
    flo_front_pass(front, 0, 0, 1000, N, x, context, weight, &found);
    assert_non_null(found.layer);
    assert_true(found.of_context && found.row == 1000 + N - 1 && found.column == 2 &&
                found.value == 6);
    flo_front_explain(&found, text, sizeof text);
    assert_string_equal(text, "one of the 1 categories that were trained on: 5");
    weight[N - 1] = 0;
    flo_front_pass(front, 0, 0, 1000, N, x, context, weight, &found);
    assert_null(found.layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(rows_are_encoded_column_by_column),
        FIXTURE_TEST(every_value_is_found_and_no_other),
        FIXTURE_TEST(text_is_read_back),
        FIXTURE_TEST(what_cannot_be_is_refused),
        FIXTURE_TEST(densities_depend_on_the_category_alone),
        FIXTURE_TEST(samples_under_an_unknown_category_are_nan),
        FIXTURE_TEST(the_first_unknown_row_that_counts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
