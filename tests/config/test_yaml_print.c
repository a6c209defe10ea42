/* Printing loses nothing, is stable, and looks as people write YAML. */
#include "config/fixture.h"

#include <stdio.h>

static void test_the_style(void **state)
{
    static const char text[] =
        "run:\n"
        "  directory: runs/a\n"
        "  seed: 1\n"
        "preprocess:\n"
        "  - {kind: standardize}\n"
        "flow:\n"
        "  base:\n"
        "    kind: normal\n"
        "  layers:\n"
        "    - repeat: 10\n"
        "      layers:\n"
        "        - {kind: permutation, order: random}\n"
        "        - {kind: affine_coupling, mask: alternating, hidden: [256, 256]}\n"
        "        - kind: affine_coupling\n"
        "          mask: alternating_and_a_name_that_makes_the_line_longer_than_88\n"
        "          hidden: [256, 256]\n"
        "matrix:\n"
        "  - [1, 2]\n"
        "  - [3, 4]\n"
        "nested:\n"
        "  - - {a: 1}\n"
        "    - {b: 2}\n"
        "  - c\n"
        "empty: {}\n"
        "none: []\n"
        "nothing: null\n";
    fixture *const f = *state;
    assert_string_equal(assert_prints_itself(f, parse(f, text)), text);
}

static void test_long_lists_are_wrapped(void **state)
{
    fixture *const f = *state;
    char text[2000] = "columns: [";
    for (int i = 0; i < 300; i++) {
        char item[8];
        snprintf(item, sizeof item, "%d, ", i);
        strcat(text, item);
    }
    strcat(text, "300]\nafter: 1\n");
    const char *printed = assert_prints_itself(f, parse(f, text));
    assert_non_null(strchr(printed, '\n'));
    for (; *printed; printed = strchr(printed, '\n') + 1)
        assert_in_range(strcspn(printed, "\n"), 1, 87);
}

static void test_the_width_of_flow_maps(void **state)
{
    fixture *const f = *state;
    for (int length = 60; length < 100; length++) {
        char *text, name[100];
        memset(name, 'x', sizeof name);
        name[length] = '\0';
        assert_int_equal(flo_arena_print(f->arena, &text, "- {a: %s, b: 1}\n", name),
                         FLO_OK);
        const char *const printed = assert_prints_itself(f, parse(f, text));
        assert_int_equal(strcmp(printed, text) == 0, strlen(text) - 1 < 88);
    }
}

static void test_quotes_only_where_needed(void **state)
{
    fixture *const f = *state;
    const struct {
        const char *written, *printed;
    } rows[] = {
        {"'abc'", "abc"},
        {"\"a b/c.h5:train\"", "a b/c.h5:train"},
        {"'1'", "\"1\""},
        {"'null'", "\"null\""},
        {"~", "null"},
        {"''", "\"\""},
        {"'true'", "\"true\""},
        {"true", "true"},
        {"-5", "-5"},
        {"'-5'", "\"-5\""},
        {"'- 5'", "\"- 5\""},
        {"'-'", "\"-\""},
        {"'a: b'", "\"a: b\""},
        {"'a #b'", "\"a #b\""},
        {"a#b", "a#b"},
        {"'a:'", "\"a:\""},
        {"' a'", "\" a\""},
        {"'a '", "\"a \""},
        {"'{split}'", "\"{split}\""},
        {"data/*.h5", "data/*.h5"},
        {"'*.h5'", "\"*.h5\""},
        {"'a\"\\b'", "a\"\\b"},
        {"'\"\\b'", "\"\\\"\\\\b\""},
        {"\"a\\nb\\tc\"", "\"a\\nb\\tc\""},
        {"\"\\x85\\u2028\\uFEFF\\x07\\x7f\"", "\"\\x85\\u2028\\uFEFF\\x07\\x7F\""},
        {"é中\xf0\x9f\x98\x80", "é中\xf0\x9f\x98\x80"},
        {"\"...\"", "\"...\""},
        {"\"---\"", "\"---\""},
        {"2024-01-01", "2024-01-01"},
        {"1:30", "1:30"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text, *wanted;
        assert_int_equal(flo_arena_print(f->arena, &text, "a: %s\n", rows[i].written),
                         FLO_OK);
        assert_int_equal(flo_arena_print(f->arena, &wanted, "a: %s\n", rows[i].printed),
                         FLO_OK);
        assert_string_equal(assert_prints_itself(f, parse(f, text)), wanted);
    }
}

/* Any text, as a value, a key, an item, in block and in flow style. */
static void test_every_short_text_survives(void **state)
{
    fixture *const f = *state;
    static const char *const pieces[] = {"",  "a", "-", "?", ":", " ", "#",   ",", "[",
                                         "]", "{", "}", "&", "*", "!", "|",   ">", "'",
                                         "%", "@", "`", "~", ".", "0", "\\n", "=", "<"};
    enum { PIECES = sizeof pieces / sizeof *pieces };
    for (int i = 0; i < PIECES * PIECES * PIECES; i++) {
        char *text, value[8];
        snprintf(value, sizeof value, "%s%s%s", pieces[i % PIECES],
                 pieces[i / PIECES % PIECES], pieces[i / PIECES / PIECES]);
        assert_int_equal(
            flo_arena_print(f->arena, &text,
                            "{\"x%s\": \"%s\", l: [{\"%sx\": \"%s\"}, [\"%s\"]]}",
                            value, value, value, value, value),
            FLO_OK);
        assert_prints_itself(f, parse(f, text));
        assert_int_equal(flo_arena_print(f->arena, &text, "\"%s\"", value), FLO_OK);
        assert_prints_itself(f, parse(f, text));
        if (i % 500 == 0) {
            flo_arena_destroy(&f->arena);
            assert_int_equal(flo_arena_create(f->context, &f->arena), FLO_OK);
        }
    }
}

static void test_setting_a_child(void **state)
{
    fixture *const f = *state;
    flo_node *const root = parse(f, "a: 1\nb: 2\n");
    assert_int_equal(flo_node_set(f->arena, root, "c", "[x, y]", "default"), FLO_OK);
    assert_int_equal(flo_node_set(f->arena, root, "a", "{d: ''}", "default"), FLO_OK);
    assert_string_equal(assert_prints_itself(f, root),
                        "a:\n  d: \"\"\nb: 2\nc: [x, y]\n");
    assert_message(f, FLO_ERROR_CONFIG,
                   flo_node_set(f->arena, root, "e", "*x", "default"),
                   "default: e: found an alias without its anchor, wanted the anchor "
                   "(&name) before the alias (*name)");
    flo_node *deep = root;
    for (int i = 0; i < 63; i++) {
        assert_int_equal(flo_node_set(f->arena, deep, "x", "{}", "default"), FLO_OK);
        deep = flo_node_find(deep, "x");
    }
    assert_int_equal(flo_node_set(f->arena, deep, "x", "1", "default"), FLO_OK);
    assert_prints_itself(f, root);
    assert_int_equal(flo_node_set(f->arena, deep, "x", "{}", "default"),
                     FLO_ERROR_CONFIG);
    assert_non_null(strstr(flo_context_message(f->context),
                           ".x.x: found a value more than 64 levels deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_the_style),
        FIXTURE_TEST(test_long_lists_are_wrapped),
        FIXTURE_TEST(test_the_width_of_flow_maps),
        FIXTURE_TEST(test_quotes_only_where_needed),
        FIXTURE_TEST(test_every_short_text_survives),
        FIXTURE_TEST(test_setting_a_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
