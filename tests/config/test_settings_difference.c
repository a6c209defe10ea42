/* The first difference of two trees, by value and not by spelling. */
#include "config/fixture.h"
#include "config/settings.h"

static const char *difference(fixture *f, const char *a, const char *b,
                              const char *const *ignored, int64_t count)
{
    char *path;
    assert_int_equal(flo_settings_difference(f->arena, parse(f, a), parse(f, b),
                                             ignored, count, &path),
                     FLO_OK);
    return path ? path : "none";
}

/* Each row in both directions: a difference is one from either side. */
static void test_differences_are_named(void **state)
{
    const struct {
        const char *a, *b, *path;
    } rows[] = {
        {"{a: 1, b: 2}", "{b: 2, a: 1}", "none"},
        {"{a: 1}", "{a: 2}", "a"},
        {"{a: {b: [1, {c: 2}]}}", "{a: {b: [1, {c: 3}]}}", "a.b[1].c"},
        {"{a: 1}", "{a: 1, b: 2}", "b"},
        {"{a: [1, 2]}", "{a: [1, 2, 3]}", "a[2]"},
        {"{a: [1]}", "{a: {b: 1}}", "a"},
        {"{a: [x]}", "{a: x}", "none"},
        {"{a: [x]}", "{a: y}", "a"},
        {"{a: [x, y]}", "{a: x}", "a"},
        {"{a: [null]}", "{a: null}", "a"},
        {"{a: 1e3}", "{a: 1_000}", "none"},
        {"{a: 2GB}", "{a: 2000MB}", "none"},
        {"{a: 0.5}", "{a: .50}", "none"},
        {"{a: 0.5}", "{a: 0.25}", "a"},
        {"{a: 0.1}", "{a: '0.1'}", "a"},
        {"{a: null}", "{a: ~}", "none"},
        {"{a: null}", "{a: 'null'}", "a"},
        {"{a: x}", "{a: 'x'}", "none"},
        {"{a: 9007199254740993}", "{a: 9007199254740992}", "a"},
        {"[1, 2]", "[1, 3]", "[1]"},
        {"{}", "{}", "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(difference(*state, rows[i].a, rows[i].b, NULL, 0),
                            rows[i].path);
        assert_string_equal(difference(*state, rows[i].b, rows[i].a, NULL, 0),
                            rows[i].path);
    }
}

static void test_ignored_paths_do_not_count(void **state)
{
    static const char *const ignored[] = {"train.steps", "report", "layers[0].x"};
    const struct {
        const char *a, *b, *path;
    } rows[] = {
        {"{train: {steps: 1}}", "{train: {steps: 2}}", "none"},
        {"{train: {steps: [1, 2]}}", "{train: {steps: [1, 3]}}", "none"},
        {"{train: {steps_more: 1}}", "{train: {steps_more: 2}}", "train.steps_more"},
        {"{report: {a: 1}}", "{report: {a: 2, b: {c: 1}}}", "none"},
        {"{report: {a: 1}}", "{}", "none"},
        {"{reporter: 1}", "{}", "reporter"},
        {"{train: {steps: 1, x: 1}}", "{train: {steps: 2, x: 2}}", "train.x"},
        {"{train: 1}", "{train: 2}", "train"},
        {"{layers: [{x: 1}, {x: 1}]}", "{layers: [{x: 2}, {x: 2}]}", "layers[1].x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(difference(*state, rows[i].a, rows[i].b, ignored, 3),
                            rows[i].path);
        assert_string_equal(difference(*state, rows[i].b, rows[i].a, ignored, 3),
                            rows[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_differences_are_named),
        FIXTURE_TEST(test_ignored_paths_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
