/* YAML text becomes the right tree, or one clear error. */
#include "config/fixture.h"
#include "config/node.h"

static void test_tree_remembers_where(void **state)
{
    fixture *const f = *state;
    const flo_node *const root = parse(f, "run:\n"
                                          "  seed: 1\n"
                                          "# a comment\n"
                                          "flow:\n"
                                          "  layers:\n"
                                          "    - {kind: a}\n"
                                          "    - kind: b\n"
                                          "      hidden: [1, 2]\n");
    const flo_node *const layers = flo_node_find(flo_node_find(root, "flow"), "layers");
    const flo_node *const second = flo_node_at(layers, 1);
    const flo_node *const hidden = flo_node_find(second, "hidden");
    assert_int_equal(root->count, 2);
    assert_int_equal(layers->kind, FLO_NODE_LIST);
    assert_int_equal(layers->count, 2);
    assert_int_equal(second->line, 7);
    assert_int_equal(hidden->line, 8);
    assert_string_equal(hidden->file, "a.yaml");
    char *path;
    assert_int_equal(flo_node_path(f->arena, flo_node_at(hidden, 1), &path), FLO_OK);
    assert_string_equal(path, "flow.layers[1].hidden[1]");
    assert_int_equal(flo_node_path(f->arena, root, &path), FLO_OK);
    assert_string_equal(path, "");
}

static void test_finding_tolerates_the_wrong_kind(void **state)
{
    const flo_node *const root = parse(*state, "a: [1]\nb: 2\n");
    assert_null(flo_node_find(root, "c"));
    assert_null(flo_node_find(flo_node_find(root, "a"), "c"));
    assert_null(flo_node_find(flo_node_find(root, "b"), "c"));
    assert_null(flo_node_at(root, 0));
    assert_null(flo_node_at(flo_node_find(root, "a"), 1));
    assert_null(flo_node_at(flo_node_find(root, "a"), -1));
}

static void test_empty_documents_are_empty_maps(void **state)
{
    const char *const texts[] = {"", "# only a comment\n", "\n\n", "{}", "---\n{}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const flo_node *const root = parse(*state, texts[i]);
        assert_int_equal(root->kind, FLO_NODE_MAP);
        assert_int_equal(root->count, 0);
    }
}

static void test_null_is_nothing_tilde_or_the_word(void **state)
{
    const flo_node *const nulls = parse(*state, "{a: , b: ~, c: null, d: Null}");
    const flo_node *const texts = parse(*state, "{a: '', b: '~', c: \"null\", d: nil}");
    for (const flo_node *node = nulls->first; node; node = node->next) {
        assert_true(flo_node_is_null(node));
        assert_string_equal(node->text, "null");
    }
    for (const flo_node *node = texts->first; node; node = node->next)
        assert_false(flo_node_is_null(node));
}

static void test_quotes_count_only_where_they_matter(void **state)
{
    const flo_node *const mattering = parse(
        *state, "['1', \"null\", 'true', \"2GB\", '', 'auto', '.5', '-3', '1e5']");
    const flo_node *const idle =
        parse(*state, "['abc', \"a: b\", '[x', '-', '1,5', 'é', 'a b']");
    for (const flo_node *node = mattering->first; node; node = node->next)
        assert_true(node->quoted);
    for (const flo_node *node = idle->first; node; node = node->next)
        assert_false(node->quoted);
}

static void test_aliases_are_copies(void **state)
{
    fixture *const f = *state;
    flo_node *const root =
        parse(f, "a: &x {b: [1, 2], c: '3'}\ne: *x\nf: [*x, &y 3, *y]\n");
    flo_node *const plain = parse(f, "a: {b: [1, 2], c: '3'}\ne: {b: [1, 2], c: "
                                     "'3'}\nf: [{b: [1, 2], c: '3'}, 3, 3]\n");
    assert_same_tree(root, plain);
    assert_int_equal(flo_yaml_override(f->arena, root, "e.b[0]=7"), FLO_OK);
    const flo_node *const original = flo_node_find(flo_node_find(root, "a"), "b");
    assert_string_equal(original->first->text, "1");
}

static void test_a_value_stands_alone(void **state)
{
    fixture *const f = *state;
    const char *const texts[] = {"", "1", "[1]", "{a: 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        flo_node *value;
        assert_int_equal(
            flo_yaml_value(f->arena, "--set", "train.batch", texts[i], &value), FLO_OK);
        assert_null(value->parent);
        assert_null(value->key);
        assert_int_equal(value->line, 0);
    }
}

static void test_errors_say_where_and_what(void **state)
{
    fixture *const f = *state;
    const struct {
        const char *text, *message;
    } rows[] = {
        {"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n",
         "a.yaml:5: b.c: found the same key a second time, wanted each key once: "
         "delete "
         "one of the two"},
        {"a: !!str 1\n", "a.yaml:1: a: found a tag (!), wanted values without tags"},
        {"a: [1, !x [2]]\n",
         "a.yaml:1: a[1]: found a tag (!), wanted values without tags"},
        {"a: 1\n---\nb: 1\n",
         "a.yaml:2: top level: found a second document (---), wanted one document in a "
         "file"},
        {"a: *x\n", "a.yaml:1: a: found an alias without its anchor, wanted the anchor "
                    "(&name) before the alias (*name)"},
        {"a: &x [*x]\n", "a.yaml:1: a[0]: found an alias inside its own anchor, wanted "
                         "the alias after the anchored value"},
        {"a: &x {b: 1}\nc:\n  <<: *x\n",
         "a.yaml:3: c: found the key <<, wanted the keys written out: maps are not "
         "merged"},
        {"? [a]\n: b\n", "a.yaml:1: top level: found a list, map or alias as a key, "
                         "wanted a plain name"},
        {"b: &x a\n*x : b\n", "a.yaml:2: top level: found a list, map or alias as a "
                              "key, wanted a plain name"},
        {"&x a: b\n",
         "a.yaml:1: top level: found an anchor on a key, wanted the anchor "
         "on its value"},
        {"a:\n  '': b\n",
         "a.yaml:2: a: found an empty key, wanted a name before the colon"},
        {"a: \"x\\0y\"\n",
         "a.yaml:1: a: found a text with a NUL character, wanted a text without"},
        {"run:\n  seed: [1, 2\n",
         "a.yaml:3: run.seed[2]: found text that is not YAML (did not find expected "
         "',' "
         "or "
         "']' while parsing a flow sequence that starts at line 2), wanted YAML: check "
         "brackets, quotes, colons and that spaces, not tabs, indent"},
        {"a:\n\tb: 1\n",
         "a.yaml:2: a: found text that is not YAML (found character that cannot start "
         "any token while scanning for the next token that starts at line 2), wanted "
         "YAML: check brackets, quotes, colons and that spaces, not tabs, indent"},
        {"a: 1\nb: \xff\n",
         "a.yaml:2: top level: found text that is not YAML (invalid leading UTF-8 "
         "octet), wanted UTF-8 text: is this the right file?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        flo_node *root;
        assert_message(f, FLO_ERROR_CONFIG,
                       flo_yaml_parse(f->arena, "a.yaml", rows[i].text,
                                      strlen(rows[i].text), &root),
                       rows[i].message);
    }
}

/* Memory may end at any allocation: an error, no crash, no leak. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    const char text[] = "a: &x {b: [1, 2]}\nc: *x\n";
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 50; n++) {
        flo_context *context;
        flo_arena *arena = NULL;
        flo_node *root;
        assert_int_equal(flo_context_create(&context), FLO_OK);
        context->fail_at = n;
        status = flo_arena_create(context, &arena);
        if (status == FLO_OK)
            status = flo_yaml_parse(arena, "a.yaml", text, strlen(text), &root);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        flo_arena_destroy(&arena);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
    assert_int_equal(status, FLO_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_tree_remembers_where),
        FIXTURE_TEST(test_finding_tolerates_the_wrong_kind),
        FIXTURE_TEST(test_empty_documents_are_empty_maps),
        FIXTURE_TEST(test_null_is_nothing_tilde_or_the_word),
        FIXTURE_TEST(test_quotes_count_only_where_they_matter),
        FIXTURE_TEST(test_aliases_are_copies),
        FIXTURE_TEST(test_a_value_stands_alone),
        FIXTURE_TEST(test_errors_say_where_and_what),
        FIXTURE_TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
