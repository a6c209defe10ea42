/* The help of a table: YAML that gives the defaults, with readable comments. */
#include "config/example.h"
#include "config/fixture.h"

static const char *help_of(fixture *f, const flo_settings *table, int indent)
{
    char *text;
    assert_int_equal(flo_settings_help(f->arena, table, indent, &text), FLO_OK);
    return text;
}

static void test_the_text(void **state)
{
    static const char wanted[] =
        "  train:  # how the parameters are fitted\n"
        "    directory:           # required: where the run is written\n"
        "    batch: 512           # rows of a global batch; 1 to 1e9\n"
        "    learning_rate: 5e-4  # the step of the optimizer before the schedule, "
        "which "
        "multiplies it by a\n"
        "                         # factor between 0 and 1 at every step; above 0 and "
        "at "
        "most 1000\n"
        "    clip: null           # the largest norm of a gradient; at least 0, or "
        "null\n"
        "    optimizer: adam      # how a gradient becomes a step; one of adam, "
        "adamw, "
        "sgd\n"
        "    nesterov: false      # look ahead; true or false\n"
        "    memory: 2GB          # what a rank keeps of the rows; 64KiB to 1TB\n"
        "    threads: auto        # threads of a rank; 1 to 1024, or auto\n"
        "    hidden: [256, 256]   # widths of hidden layers; a list, each 1 to 1e6\n"
        "    files: []            # data files; a text or a list\n"
        "    context: null        # a data set; or null\n"
        "    columns: all         # which columns; or null\n"
        "    any: -7              # any integer\n";
    assert_string_equal(help_of(*state, &example_table, 2), wanted);
}

/* Read as a config, the help says what an empty config says. */
static void test_help_parses_to_the_defaults(void **state)
{
    fixture *const f = *state;
    example values;
    flo_node *const from_help = parse(f, help_of(f, &example_table, 0));
    flo_node *const from_nothing = parse(f, "");
    assert_int_equal(flo_yaml_override(f->arena, from_help, "train.directory=a"),
                     FLO_OK);
    assert_int_equal(flo_yaml_override(f->arena, from_nothing, "train.directory=a"),
                     FLO_OK);
    assert_int_equal(flo_settings_read(f->arena, from_help, from_help->first,
                                       &example_table, &values),
                     FLO_OK);
    assert_int_equal(flo_settings_read(f->arena, from_nothing, from_nothing->first,
                                       &example_table, &values),
                     FLO_OK);
    assert_same_tree(from_help, from_nothing);
}

static void test_lines_are_short(void **state)
{
    fixture *const f = *state;
    for (int indent = 0; indent < 40; indent += 4) {
        const char *line = help_of(f, &example_table, indent);
        for (; *line; line = strchr(line, '\n') + 1)
            assert_in_range(strcspn(line, "\n"), 1, 100);
    }
}

static void test_a_wide_default_has_its_comment_below(void **state)
{
    static const flo_setting rows[] = {{"a", FLO_INTEGER, 0, 0, 0, "1", NULL, 0, "one"},
                                       {"preprocess", FLO_NODE, 0, 0, 0,
                                        "[{kind: standardize}, {kind: log}]", NULL, 0,
                                        "steps before the flow"},
                                       {0}};
    static const flo_settings table = {"x", "a table", rows};
    assert_string_equal(help_of(*state, &table, 0),
                        "x:  # a table\n"
                        "  a: 1  # one\n"
                        "  preprocess: [{kind: standardize}, {kind: log}]\n"
                        "        # steps before the flow\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_the_text),
        FIXTURE_TEST(test_help_parses_to_the_defaults),
        FIXTURE_TEST(test_lines_are_short),
        FIXTURE_TEST(test_a_wide_default_has_its_comment_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
