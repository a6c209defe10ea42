/* Hostile YAML ends in a clear error: deep, wide, self-multiplying, random. */
#include "config/example.h"
#include "config/fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void assert_refused(fixture *f, const char *text, const char *part)
{
    flo_node *root;
    assert_int_equal(flo_yaml_parse(f->arena, "a.yaml", text, strlen(text), &root),
                     FLO_ERROR_CONFIG);
    if (!strstr(flo_context_message(f->context), part))
        fail_msg("%s is not in: %s", part, flo_context_message(f->context));
    assert_null(strchr(flo_context_message(f->context), '\n'));
}

static char *repeat(fixture *f, const char *unit, int count, const char *end)
{
    char *text;
    const size_t length = strlen(unit);
    const int64_t bytes = (int64_t)length * count + (int64_t)strlen(end) + 1;
    assert_int_equal(flo_arena_take(f->arena, bytes, 1, &text), FLO_OK);
    for (int i = 0; i < count; i++)
        memcpy(text + (size_t)i * length, unit, length);
    strcpy(text + (size_t)count * length, end);
    return text;
}

static void test_depth_is_limited(void **state)
{
    fixture *const f = *state;
    assert_refused(f, repeat(f, "[", 65, ""), "64 levels");
    assert_refused(f, repeat(f, "[", 100000, ""), "64 levels");
    assert_refused(f, repeat(f, "{a: ", 100000, ""), "64 levels");
    assert_refused(f, repeat(f, "- ", 5000, "a"), "64 levels");
    const char *const opened = repeat(f, "[", 64, "");
    char *text;
    assert_int_equal(
        flo_arena_print(f->arena, &text, "%s%s", opened, repeat(f, "]", 64, "")),
        FLO_OK);
    assert_prints_itself(f, parse(f, text));
}

static void test_aliases_cannot_nest_deeper(void **state)
{
    fixture *const f = *state;
    char *text;
    assert_int_equal(flo_arena_print(f->arena, &text, "a: &x %s1%s\nb: %s*x%s\n",
                                     repeat(f, "[", 40, ""), repeat(f, "]", 40, ""),
                                     repeat(f, "[", 40, ""), repeat(f, "]", 40, "")),
                     FLO_OK);
    assert_refused(f, text, "64 levels");
}

/* Ten aliases of ten aliases of ...: nine lines for 10^9 values. */
static void test_a_billion_laughs_are_refused(void **state)
{
    fixture *const f = *state;
    char text[2000] = "a0: &a0 ha\n";
    for (int level = 1; level < 10; level++) {
        char line[200];
        int length = snprintf(line, sizeof line, "a%d: &a%d [", level, level);
        for (int i = 0; i < 10; i++)
            length += snprintf(line + length, sizeof line - (size_t)length, "*a%d, ",
                               level - 1);
        snprintf(line + length, sizeof line - (size_t)length, "]\n");
        strcat(text, line);
    }
    assert_refused(f, text, "more than 1000000 values");
}

static void test_keys_and_anchors_are_limited(void **state)
{
    fixture *const f = *state;
    char *text, *more;
    assert_refused(f, repeat(f, "k", 201, ": 1"), "a very long key");
    assert_int_equal(flo_arena_take(f->arena, 20000, 1, &text), FLO_OK);
    assert_int_equal(flo_arena_take(f->arena, 20000, 1, &more), FLO_OK);
    for (int i = 0; i < 1001; i++) {
        sprintf(text + strlen(text), "k%d: 1\n", i);
        sprintf(more + strlen(more), "- &k%d 1\n", i);
    }
    assert_refused(f, text, "a map of more than 1000 keys");
    assert_refused(f, more, "more than 1000 anchors");
}

static void test_junk_is_refused(void **state)
{
    fixture *const f = *state;
    const char *const texts[] = {"\x89HDF\r\n\x1a\n",
                                 "\"abc",
                                 "'abc",
                                 "[a",
                                 "{a: b",
                                 "a: |\x01",
                                 "%YAML 9.9\n---\na: b",
                                 "@",
                                 "`",
                                 "a: b: c",
                                 "&",
                                 "*",
                                 "!<",
                                 "\xef\xbb\xbf\xff",
                                 "}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_refused(f, texts[i], "a.yaml");
}

static const char seed_text[] = "directory: runs/a # a comment\n"
                                "batch: &b 1_000\n"
                                "learning_rate: 5e-4\n"
                                "optimizer: 'sgd'\n"
                                "memory: 1.5 GiB\n"
                                "hidden: [*b, 256]\n"
                                "files:\n"
                                "  - \"a \\x41\\t\\u2028: b.h5\"\n"
                                "  - |\n"
                                "    two\n"
                                "    lines\n"
                                "context: /{split}/c\n"
                                "columns: &c\n"
                                "  - {kind: affine, mask: ~, hidden: [256, 256]}\n"
                                "  - repeat: 10\n"
                                "    layers: [{a: b}, [c, [\"12\"]], {}]\n"
                                "? any\n"
                                ": -7\n";

static uint32_t draw(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33);
}

static size_t mutate(uint64_t *random, char *text, size_t length)
{
    static const char tempting[] = "[]{}:,-?&*!|>'\"%@`#\n\t ~<=.0\\\x80\xff";
    for (uint32_t edits = 1 + draw(random) % 4; edits > 0 && length > 1; edits--) {
        const size_t at = draw(random) % length;
        const char byte = tempting[draw(random) % (sizeof tempting - 1)];
        switch (draw(random) % 4) {
        case 0: /* cut out a byte */
            memmove(text + at, text + at + 1, --length - at);
            break;
        case 1: /* put one in */
            memmove(text + at + 1, text + at, length++ - at);
            text[at] = byte;
            break;
        case 2:
            text[at] = byte;
            break;
        default: /* end in the middle, once in a while */
            length = draw(random) % 8 ? length : at;
        }
    }
    return length;
}

/* Whatever parses prints as text that parses to the same, and is read or refused with a
   message of one line. */
static flo_status try_text(fixture *f, const char *text, size_t length)
{
    flo_node *root;
    char *path;
    example values;
    flo_status status = flo_yaml_parse(f->arena, "a.yaml", text, length, &root);
    if (status == FLO_OK) {
        const flo_node *const copy = parse(f, assert_prints_itself(f, root));
        assert_int_equal(flo_settings_difference(f->arena, root, copy, NULL, 0, &path),
                         FLO_OK);
        assert_null(path);
        status = flo_settings_read(f->arena, NULL, root, &example_table, &values);
        if (status == FLO_OK)
            assert_prints_itself(f, root);
    }
    assert_true(status == FLO_OK || status == FLO_ERROR_CONFIG);
    if (status == FLO_OK)
        return FLO_OK;
    const char *const message = flo_context_message(f->context);
    assert_int_equal(strncmp(message, "a.yaml:", 7), 0);
    assert_null(strchr(message, '\n'));
    assert_non_null(strstr(message, "found "));
    assert_non_null(strstr(message, ", wanted "));
    return status;
}

static void test_random_mutations(void **state)
{
    fixture *const f = *state;
    uint64_t random = 1;
    int good = 0;
    assert_int_equal(try_text(f, seed_text, strlen(seed_text)), FLO_OK);
    for (int i = 0; i < 4000; i++) {
        char text[sizeof seed_text + 8];
        memcpy(text, seed_text, sizeof seed_text);
        good += try_text(f, text, mutate(&random, text, strlen(seed_text))) == FLO_OK;
        if (i % 50 == 0) {
            flo_arena_destroy(&f->arena);
            assert_int_equal(flo_arena_create(f->context, &f->arena), FLO_OK);
        }
    }
    assert_in_range(good, 200, 3000); /* both ways are well trodden */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_depth_is_limited),
        FIXTURE_TEST(test_aliases_cannot_nest_deeper),
        FIXTURE_TEST(test_a_billion_laughs_are_refused),
        FIXTURE_TEST(test_keys_and_anchors_are_limited),
        FIXTURE_TEST(test_junk_is_refused),
        FIXTURE_TEST(test_random_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
