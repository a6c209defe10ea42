/* path=value puts one value into a tree; what cannot be put is explained. */
#include "config/fixture.h"

static const char before[] = "train: {batch: 1, steps: 2}\n"
                             "context: null\n"
                             "files: [a, b]\n"
                             "flow: {layers: [{layers: [{width: 1}, {width: 2}]}]}\n";

static void test_values_go_to_their_paths(void **state)
{
    fixture *const f = *state;
    const struct {
        const char *assignment, *path, *value;
    } rows[] = {
        {"train.batch=512", "train: {batch: 1, ", "train: {batch: 512, "},
        {"train.batch=", "batch: 1", "batch: null"},
        {"train.batch=\"1\"", "batch: 1", "batch: \"1\""},
        {"train={x: [1, 2]}", "{batch: 1, steps: 2}", "{x: [1, 2]}"},
        {"train.new.deep=x=y", "steps: 2", "steps: 2, new: {deep: x=y}"},
        {"context.a=1", "context: null", "context: {a: 1}"},
        {"files[1]=c", "[a, b]", "[a, c]"},
        {"files.0=c", "[a, b]", "[c, b]"},
        {"files=c", "[a, b]", "c"},
        {"flow.layers[0].layers[1].width=8", "width: 2", "width: 8"},
        {"flow.layers.0.layers.1.width=8", "width: 2", "width: 8"},
        {"flow.layers[0].layers[0].new=8", "width: 1", "width: 1, new: 8"},
        {"flow.layers=[{kind: x}]", "[{layers: [{width: 1}, {width: 2}]}]",
         "[{kind: x}]"},
        {"top=[a,\n b]", "files: [a, b]",
         "files: [a, b]\nflow: {layers: [{layers: [{width: 1}, {width: 2}]}]}\ntop: "
         "[a, "
         "b]\n#"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        flo_node *const root = parse(f, before);
        const char *const at = strstr(before, rows[i].path);
        char *after;
        assert_non_null(at);
        assert_int_equal(
            flo_arena_print(
                f->arena, &after, "%.*s%s%s", (int)(at - before), before, rows[i].value,
                strchr(rows[i].value, '#') ? "" : at + strlen(rows[i].path)),
            FLO_OK);
        assert_int_equal(flo_yaml_override(f->arena, root, rows[i].assignment), FLO_OK);
        assert_same_tree(root, parse(f, after));
    }
}

static void test_overridden_nodes_say_so(void **state)
{
    fixture *const f = *state;
    flo_node *const root = parse(f, before);
    assert_int_equal(flo_yaml_override(f->arena, root, "a.b=[1]"), FLO_OK);
    const flo_node *const a = flo_node_find(root, "a");
    const flo_node *const one = flo_node_find(a, "b")->first;
    assert_string_equal(a->file, "--set");
    assert_string_equal(one->file, "--set");
    assert_int_equal(one->line, 0);
}

static void test_the_last_override_wins(void **state)
{
    fixture *const f = *state;
    flo_node *const root = parse(f, "");
    assert_int_equal(flo_yaml_override(f->arena, root, "a.b=1"), FLO_OK);
    assert_int_equal(flo_yaml_override(f->arena, root, "a.c=2"), FLO_OK);
    assert_int_equal(flo_yaml_override(f->arena, root, "a.b=3"), FLO_OK);
    assert_same_tree(root, parse(f, "a: {b: 3, c: 2}"));
}

static void test_odd_assignments_are_usage_errors(void **state)
{
    fixture *const f = *state;
    const struct {
        const char *assignment, *found;
    } rows[] = {
        {"train.batch", "no ="},
        {"", "no ="},
        {"=1", "an empty or odd step in the path"},
        {".a=1", "an empty or odd step in the path"},
        {"a.=1", "an empty or odd step in the path"},
        {"a..b=1", "an empty or odd step in the path"},
        {"a[=1", "an empty or odd step in the path"},
        {"a[]=1", "an empty or odd step in the path"},
        {"a[0]b=1", "an empty or odd step in the path"},
        {"a.[0]=1", "an empty or odd step in the path"},
        {"a b=1", "a space or another character that no path has"},
        {"a\x7f=1", "a space or another character that no path has"},
        {"a\xff=1", "a space or another character that no path has"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *message;
        assert_int_equal(
            flo_arena_print(f->arena, &message,
                            "--set %s: found %s, wanted PATH=VALUE, for example --set "
                            "train.batch=512 or --set flow.layers[0].repeat=4",
                            rows[i].assignment, rows[i].found),
            FLO_OK);
        assert_message(
            f, FLO_ERROR_USAGE,
            flo_yaml_override(f->arena, parse(f, before), rows[i].assignment), message);
    }
}

static void test_misplaced_values_are_config_errors(void **state)
{
    fixture *const f = *state;
    const struct {
        const char *assignment, *message;
    } rows[] = {
        {"files[2]=c",
         "a.yaml:3: files: found a list of 2, of which --set asks for item "
         "2, wanted an index from 0 to 1"},
        {"files[-1]=c", "a.yaml:3: files: found a list of 2, of which --set asks for "
                        "item -1, wanted an index from 0 to 1"},
        {"files.name=c", "a.yaml:3: files: found a list of 2, of which --set asks for "
                         "item name, wanted an index from 0 to 1"},
        {"files[99999999999999999999]=c",
         "a.yaml:3: files: found a list of 2, of which --set asks for item "
         "99999999999999999999, wanted an index from 0 to 1"},
        {"train.batch.x=1",
         "a.yaml:1: train.batch: found \"1\", wanted a map, in which "
         "--set can reach x"},
        {"train[0]=1", "a.yaml:1: train: found a map of 2, wanted a list, in which "
                       "--set can reach 0"},
        {"new[0]=1",
         "--set: new: found null, wanted a list, in which --set can reach 0"},
        {"train.batch=[1",
         "--set: train.batch[1]: found text that is not YAML (did not "
         "find expected ',' or ']'), wanted YAML: check brackets, "
         "quotes, colons and that spaces, not tabs, indent"},
        {"a={b: {c: 1, c: 2}}",
         "--set: a.b.c: found the same key a second time, wanted "
         "each key once: delete one of the two"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_message(
            f, FLO_ERROR_CONFIG,
            flo_yaml_override(f->arena, parse(f, before), rows[i].assignment),
            rows[i].message);
}

static void test_depth_is_limited(void **state)
{
    fixture *const f = *state;
    flo_node *const root = parse(f, "");
    char text[400] = "";
    for (int i = 0; i < 63; i++)
        strcat(text, "a.");
    char *just, *more, *list;
    assert_int_equal(flo_arena_print(f->arena, &just, "%sa=1", text), FLO_OK);
    assert_int_equal(flo_arena_print(f->arena, &list, "%sa=[1]", text), FLO_OK);
    assert_int_equal(flo_arena_print(f->arena, &more, "%sa.a=1", text), FLO_OK);
    assert_int_equal(flo_yaml_override(f->arena, root, just), FLO_OK);
    assert_prints_itself(f, root);
    assert_int_equal(flo_yaml_override(f->arena, root, list), FLO_ERROR_USAGE);
    assert_int_equal(flo_yaml_override(f->arena, root, more), FLO_ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_values_go_to_their_paths),
        FIXTURE_TEST(test_overridden_nodes_say_so),
        FIXTURE_TEST(test_the_last_override_wins),
        FIXTURE_TEST(test_odd_assignments_are_usage_errors),
        FIXTURE_TEST(test_misplaced_values_are_config_errors),
        FIXTURE_TEST(test_depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
