/* A table reads a map: values, defaults, the effective config, and every error. */
#include "config/example.h"
#include "config/fixture.h"

static example read(fixture *f, flo_node *root)
{
    example values = {0};
    const flo_status status = flo_settings_read(
        f->arena, root, flo_node_find(root, "train"), &example_table, &values);
    if (status != FLO_OK)
        fail_msg("%s", flo_context_message(f->context));
    return values;
}

static void test_written_values_arrive(void **state)
{
    fixture *const f = *state;
    const example values = read(f, parse(f, "train:\n"
                                            "  any: -1_000\n"
                                            "  directory: runs/a\n"
                                            "  batch: 1e3\n"
                                            "  learning_rate: .5\n"
                                            "  clip: 5\n"
                                            "  optimizer: sgd\n"
                                            "  nesterov: true\n"
                                            "  memory: 1GiB\n"
                                            "  threads: 4\n"
                                            "  hidden: 128\n"
                                            "  files: [a.h5, 'b.h5', 3]\n"
                                            "  context: '1'\n"
                                            "  columns: [1, 2]\n"));
    assert_string_equal(values.directory, "runs/a");
    assert_int_equal(values.batch, 1000);
    assert_true(values.learning_rate == .5);
    assert_true(values.clip == 5);
    assert_int_equal(values.optimizer, 2);
    assert_true(values.nesterov);
    assert_int_equal(values.memory, 1 << 30);
    assert_int_equal(values.threads, 4);
    assert_int_equal(values.hidden.count, 1);
    assert_int_equal(values.hidden.values[0], 128);
    assert_int_equal(values.files.count, 3);
    assert_string_equal(values.files.values[1], "b.h5");
    assert_string_equal(values.files.values[2], "3");
    assert_string_equal(values.context, "1");
    assert_int_equal(values.columns->count, 2);
    assert_int_equal(values.any, -1000);
}

static void test_defaults_arrive(void **state)
{
    fixture *const f = *state;
    const example values = read(f, parse(f, "train: {directory: a}"));
    assert_int_equal(values.batch, 512);
    assert_true(values.learning_rate == 5e-4);
    assert_true(isnan(values.clip));
    assert_int_equal(values.optimizer, 0);
    assert_false(values.nesterov);
    assert_int_equal(values.memory, 2000000000);
    assert_true(values.threads == FLO_AUTO);
    assert_int_equal(values.hidden.count, 2);
    assert_int_equal(values.hidden.values[1], 256);
    assert_int_equal(values.files.count, 0);
    assert_null(values.context);
    assert_string_equal(values.columns->text, "all");
    assert_int_equal(values.any, -7);
}

/* Complete, in the table's order, and a fixed point of read and print. */
static void test_the_effective_config_is_complete_and_stable(void **state)
{
    static const char effective[] = "train:\n"
                                    "  kind: x\n"
                                    "  directory: runs/a\n"
                                    "  batch: 512\n"
                                    "  learning_rate: 5e-4\n"
                                    "  clip: null\n"
                                    "  optimizer: adam\n"
                                    "  nesterov: false\n"
                                    "  memory: 3MB\n"
                                    "  threads: auto\n"
                                    "  hidden: 12\n"
                                    "  files: []\n"
                                    "  context: null\n"
                                    "  columns: all\n"
                                    "  any: -7\n"
                                    "other: 1\n";
    fixture *const f = *state;
    flo_node *const root = parse(f, "train: {hidden: 12, memory: 3MB, kind: x, "
                                    "directory: runs/a, columns: all}\nother: 1\n");
    read(f, root);
    assert_string_equal(assert_prints_itself(f, root), effective);
    flo_node *const again = parse(f, effective);
    read(f, again);
    assert_string_equal(assert_prints_itself(f, again), effective);
}

static void test_a_missing_section_is_added(void **state)
{
    static const flo_setting rows[] = {
        {"every", FLO_INTEGER, 0, 1, 1e9, "50", NULL, 0, "steps between lines"}, {0}};
    static const flo_settings table = {"report", "what is written when", rows};
    const char *const texts[] = {"a: 1\n", "a: 1\nreport:\n", "a: 1\nreport: {}\n",
                                 "a: 1\nreport:\n  every: 50\n"};
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t every = 0;
        flo_node *const root = parse(f, texts[i]);
        assert_int_equal(flo_settings_read(f->arena, root,
                                           flo_node_find(root, "report"), &table,
                                           &every),
                         FLO_OK);
        assert_int_equal(every, 50);
        assert_string_equal(assert_prints_itself(f, root),
                            "a: 1\nreport:\n  every: 50\n");
    }
}

static void test_errors_say_where_found_and_wanted(void **state)
{
    fixture *const f = *state;
    const struct {
        const char *line, *message;
    } rows[] = {
        {"batch: many", "batch: found \"many\", wanted an integer from 1 to 1e9"},
        {"batch: 0", "batch: found \"0\", wanted an integer from 1 to 1e9"},
        {"batch: 1e10", "batch: found \"1e10\", wanted an integer from 1 to 1e9"},
        {"batch: 1.5", "batch: found \"1.5\", wanted an integer from 1 to 1e9"},
        {"batch: '8'", "batch: found the text \"8\", wanted an integer from 1 to 1e9"},
        {"batch:", "batch: found null, wanted an integer from 1 to 1e9"},
        {"batch: auto", "batch: found \"auto\", wanted an integer from 1 to 1e9"},
        {"batch: [1, 2]", "batch: found a list of 2, wanted an integer from 1 to 1e9"},
        {"batch: {a: 1}", "batch: found a map of 1, wanted an integer from 1 to 1e9"},
        {"learning_rate: 0",
         "learning_rate: found \"0\", wanted a number above 0 and at most 1000"},
        {"learning_rate: .nan",
         "learning_rate: found \".nan\", wanted a number above 0 and at most 1000"},
        {"clip: -1", "clip: found \"-1\", wanted a number at least 0, or null"},
        {"clip: inf", "clip: found \"inf\", wanted a number at least 0, or null"},
        {"optimizer: adm", "optimizer: found \"adm\", wanted one of adam, adamw, sgd; "
                           "did you mean adam?"},
        {"optimizer: lion",
         "optimizer: found \"lion\", wanted one of adam, adamw, sgd"},
        {"optimizer: []",
         "optimizer: found an empty list, wanted one of adam, adamw, sgd"},
        {"nesterov: yes", "nesterov: found \"yes\", wanted true or false (yes, no, on "
                          "and off are text in newer YAML)"},
        {"nesterov: 1", "nesterov: found \"1\", wanted true or false"},
        {"memory: 1kB", "memory: found \"1kB\", wanted bytes (like 4096, 64kB, 2GB or "
                        "1GiB) from 64KiB to 1TB"},
        {"memory: 2G", "memory: found \"2G\", wanted bytes (like 4096, 64kB, 2GB or "
                       "1GiB) from 64KiB to 1TB"},
        {"threads: 0",
         "threads: found \"0\", wanted an integer from 1 to 1024, or auto"},
        {"hidden: [1, x]",
         "hidden[1]: found \"x\", wanted a list of integers, each from 1 to 1e6"},
        {"hidden: x",
         "hidden: found \"x\", wanted a list of integers, each from 1 to 1e6"},
        {"hidden: [1, 0]",
         "hidden[1]: found \"0\", wanted a list of integers, each from 1 to 1e6"},
        {"files: {a: 1}", "files: found a map of 1, wanted a text or a list of texts"},
        {"files: [a, ~]", "files[1]: found null, wanted a text or a list of texts"},
        {"context: [a]", "context: found a list of 1, wanted a text, or null"},
        {"lerning_rate: 1",
         "lerning_rate: found an unknown key, wanted one of the settings of train; did "
         "you mean learning_rate? (flotilla config lists them all)"},
        {"colour: 1", "colour: found an unknown key, wanted one of the settings of "
                      "train (flotilla config lists them all)"},
        {"any: \"a\\nb\"", "any: found \"a?b\", wanted an integer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text, *message;
        example values;
        assert_int_equal(flo_arena_print(f->arena, &text,
                                         "train:\n  directory: a\n  %s\n",
                                         rows[i].line),
                         FLO_OK);
        assert_int_equal(
            flo_arena_print(f->arena, &message, "a.yaml:3: train.%s", rows[i].message),
            FLO_OK);
        flo_node *const root = parse(f, text);
        assert_message(
            f, FLO_ERROR_CONFIG,
            flo_settings_read(f->arena, root, root->first, &example_table, &values),
            message);
    }
}

static void test_a_missing_required_setting_is_named(void **state)
{
    fixture *const f = *state;
    const struct {
        const char *text, *message;
    } rows[] = {
        {"a: 1\ntrain: {batch: 1}\n",
         "a.yaml:2: train.directory: found nothing, wanted "
         "a text: where the run is written"},
        {"a: 1\n", "a.yaml:1: train.directory: found nothing, wanted a text: where the "
                   "run is written"},
        {"a: 1\ntrain: {directory: }\n",
         "a.yaml:2: train.directory: found null, wanted a text"},
        {"train: [1]\n",
         "a.yaml:1: train: found a list of 1, wanted a map with the settings of train"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        example values;
        flo_node *const root = parse(f, rows[i].text);
        assert_message(f, FLO_ERROR_CONFIG,
                       flo_settings_read(f->arena, root, flo_node_find(root, "train"),
                                         &example_table, &values),
                       rows[i].message);
    }
}

static void test_a_required_list_is_not_empty(void **state)
{
    static const flo_setting rows[] = {
        {"files", FLO_TEXTS, 0, 0, 0, NULL, NULL, FLO_REQUIRED, "data files"}, {0}};
    static const flo_settings table = {"data", "where rows come from", rows};
    fixture *const f = *state;
    flo_texts files;
    flo_node *root = parse(f, "data: {files: a}");
    assert_int_equal(flo_settings_read(f->arena, root, root->first, &table, &files),
                     FLO_OK);
    root = parse(f, "data: {files: []}");
    assert_message(f, FLO_ERROR_CONFIG,
                   flo_settings_read(f->arena, root, root->first, &table, &files),
                   "a.yaml:1: data.files: found an empty list, wanted a text or a list "
                   "of texts");
}

static void test_overridden_values_are_traced_to_the_command_line(void **state)
{
    fixture *const f = *state;
    example values;
    flo_node *const root = parse(f, "train: {directory: a}");
    assert_int_equal(flo_yaml_override(f->arena, root, "train.hidden[0]=1"),
                     FLO_ERROR_CONFIG);
    assert_int_equal(flo_yaml_override(f->arena, root, "train.batch=x"), FLO_OK);
    assert_message(
        f, FLO_ERROR_CONFIG,
        flo_settings_read(f->arena, root, root->first, &example_table, &values),
        "--set: train.batch: found \"x\", wanted an integer from 1 to 1e9");
}

static void test_long_values_are_cut(void **state)
{
    fixture *const f = *state;
    char *text, name[201];
    memset(name, 'x', sizeof name);
    memcpy(name + 55, "é", 2); /* the cut is not made through a character */
    name[200] = '\0';
    example values;
    assert_int_equal(
        flo_arena_print(f->arena, &text, "train: {directory: a, batch: %s}", name),
        FLO_OK);
    flo_node *const root = parse(f, text);
    name[55] = '\0';
    assert_int_equal(
        flo_arena_print(f->arena, &text,
                        "a.yaml:1: train.batch: found \"%s...\", wanted an integer "
                        "from 1 to 1e9",
                        name),
        FLO_OK);
    assert_message(
        f, FLO_ERROR_CONFIG,
        flo_settings_read(f->arena, root, root->first, &example_table, &values), text);
}

static void test_unknown_sections_are_refused(void **state)
{
    static const char *const known[] = {"run", "data", "train"};
    fixture *const f = *state;
    assert_int_equal(
        flo_settings_known(f->arena, parse(f, "data: 1\nrun: 2\n"), known, 3), FLO_OK);
    assert_message(
        f, FLO_ERROR_CONFIG,
        flo_settings_known(f->arena, parse(f, "run: 1\ntrian: 2\n"), known, 3),
        "a.yaml:2: trian: found an unknown key, wanted one of the sections "
        "run, data, train; did you mean train? (flotilla config lists them "
        "all)");
    assert_message(f, FLO_ERROR_CONFIG,
                   flo_settings_known(f->arena, parse(f, "- 1\n"), known, 3),
                   "a.yaml:1: top level: found a list of 1, wanted a map with the "
                   "sections run, data, train");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_written_values_arrive),
        FIXTURE_TEST(test_defaults_arrive),
        FIXTURE_TEST(test_the_effective_config_is_complete_and_stable),
        FIXTURE_TEST(test_a_missing_section_is_added),
        FIXTURE_TEST(test_errors_say_where_found_and_wanted),
        FIXTURE_TEST(test_a_missing_required_setting_is_named),
        FIXTURE_TEST(test_a_required_list_is_not_empty),
        FIXTURE_TEST(test_overridden_values_are_traced_to_the_command_line),
        FIXTURE_TEST(test_long_values_are_cut),
        FIXTURE_TEST(test_unknown_sections_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
