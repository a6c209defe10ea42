/* Setting `columns`: what it chooses, what it refuses, and the columns that pass. */
#include "bijections/layer.h"

enum { D = 5, B = 3 };

/* Columns written as text, and which of the five they are ("x" chosen, "." not). */
static void columns_are_written_as_numpy_has_them(void **state)
{
    static const char *const cases[][2] = {
        {"all", "xxxxx"},        {"3", "...x."},           {"[0, 4]", "x...x"},
        {"[4, 0]", "x...x"},     {"0:3", "xxx.."},         {"[1:3, 4]", ".xx.x"},
        {"\"3:\"", "...xx"},     {"[\":2\", 3]", "xx.x."}, {"\":\"", "xxxxx"},
        {"[0:2, 2:5]", "xxxxx"}, {"[\"4:\"]", "....x"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char yaml[128];
        layer l;
        snprintf(yaml, sizeof yaml, "{kind: sigmoid, columns: %s}", cases[c][0]);
        layer_create(*state, yaml, (flo_place){0}, B, D, 0, &l);
        layer_forward(&l);
        for (int64_t i = 0; i < B * D; i++) {
            const bool chosen = cases[c][1][i % D] == 'x';
            const double x = (double)l.x[i];
            assert_near(l.z[i], chosen ? 1 / (1 + exp(-x)) : x, near_enough);
            assert_int_equal(flo_bijection_takes(l.b, i % D),
                             chosen ? FLO_WHOLE_LINE : FLO_ANY_RANGE);
            assert_int_equal(flo_bijection_gives(l.b, i % D, FLO_POSITIVE),
                             chosen ? FLO_UNIT_INTERVAL : FLO_POSITIVE);
        }
        assert_true(!l.b->passes == !strcmp(cases[c][1], "xxxxx"));
    }
}

static void what_is_no_column_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"5",
         "found \"5\", wanted columns of this layer: all, or a list of indices from 0 "
         "to 4"},
        {"-1", "found \"-1\""},
        {"[0, 0]", "found \"0\", wanted each column once"},
        {"[0:3, 2]", "found \"2\""},
        {"3:2", "found \"3:2\""},
        {"0:6", "found \"0:6\""},
        {"[]", "columns: found"},
        {"{a: 1}", "columns"},
        {"[[1]]", "columns"},
        {"1.5", "found \"1.5\""},
        {"[all]", "found \"all\""},
        {"0:4:2", "found \"0:4:2\""},
        {"99999999999999999999", "found \"9999"},
        {"null", "columns"},
    };
    fixture *const f = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char yaml[128];
        flo_bijection *b;
        snprintf(yaml, sizeof yaml, "{kind: logit, columns: %s}", cases[c][0]);
        const flo_status status =
            flo_bijection_create(f->arena, parse(f, yaml), D, 0, &(flo_place){0}, &b);
        const char *const message = flo_context_message(f->context);
        if (status != FLO_ERROR_CONFIG || !strstr(message, cases[c][1]) ||
            !strstr(message, "columns"))
            fail_msg("%s: status %d, message: %s", yaml, status, message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(columns_are_written_as_numpy_has_them),
        FIXTURE_TEST(what_is_no_column_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
