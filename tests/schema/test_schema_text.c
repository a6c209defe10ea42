/* A schema is the same after it was written and read, whatever its columns are called.
 */
#include "schema/schema.h"

#include "config/fixture.h"

#include <stdio.h>

static void assert_same_text(const char *found, const char *wanted)
{
    assert_int_equal(found == NULL, wanted == NULL);
    if (wanted)
        assert_string_equal(found, wanted);
}

static void assert_same_table(const flo_schema_table *found,
                              const flo_schema_table *wanted)
{
    assert_string_equal(found->dataset, wanted->dataset);
    assert_same_text(found->path, wanted->path);
    assert_int_equal(found->width, wanted->width);
    assert_int_equal(found->rank, wanted->rank);
    assert_memory_equal(found->shape, wanted->shape, sizeof found->shape);
    assert_int_equal(found->count, wanted->count);
    for (int64_t j = 0; j < wanted->count; ++j) {
        assert_same_text(found->column[j].name, wanted->column[j].name);
        assert_int_equal(found->column[j].index, wanted->column[j].index);
        assert_string_equal(found->column[j].type, wanted->column[j].type);
        assert_same_text(found->column[j].unit, wanted->column[j].unit);
    }
}

/* Names that YAML would take for something else, or that its syntax is made of. */
static void awkward_names_come_back(void **state)
{
    static flo_schema_column column[] = {{"px", 3, "float32", "GeV"},
                                         {"null", 4, ">i4", NULL},
                                         {"1e3", 5, "int64", "1"},
                                         {"0:2", 6, "", "# / cm^2"},
                                         {"a, b}", 7, "uint8", "[m]"},
                                         {"tab\tline\nquote\"'\\", 8, "<f8", "~"},
                                         {" spaces ", 9, "float64",
                                          "\xc2\xb0"
                                          "C"},
                                         {"-", 10, "float16", "- x: y"},
                                         {NULL, 11, "float32", NULL},
                                         {"&anchor *alias !tag", 12, "int8", "%"}};
    static flo_schema_column other[] = {{"true", 0, "float32", NULL}};
    fixture *const f = *state;
    const flo_schema schema = {
        .features = {"/a: b/#c", NULL, 13, 1, {13}, 10, column},
        .context = {"given/train", "given/{split}", 1, 1, {1}, 1, other},
        .weight = {"w", "w", 4, 2, {2, 2}, 1, other}};
    flo_schema *found;
    char *text;
    assert_int_equal(flo_schema_print(f->arena, &schema, 0, &text), FLO_OK);
    assert_int_equal(flo_schema_read(f->arena, "x.h5", text, &found), FLO_OK);
    assert_same_table(&found->features, &schema.features);
    assert_same_table(&found->context, &schema.context);
    assert_same_table(&found->weight, &schema.weight);
    assert_false(flo_schema_is_whole(&schema.features));
    assert_false(flo_schema_is_named(&schema.features));
    assert_true(flo_schema_is_whole(&schema.context));
}

static void long_schemas_are_cut_for_people(void **state)
{
    enum { COLUMNS = 50 };
    static flo_schema_column column[COLUMNS];
    fixture *const f = *state;
    flo_schema schema = {
        .features = {"x", NULL, COLUMNS, 1, {COLUMNS}, COLUMNS, column},
        .context.dataset = "",
        .weight.dataset = ""};
    char *text, list[80];
    for (int j = 0; j < COLUMNS; ++j)
        column[j] = (flo_schema_column){NULL, j, "float32", NULL};
    assert_int_equal(flo_schema_print(f->arena, &schema, 40, &text), FLO_OK);
    assert_non_null(strstr(text, "{index: 39, "));
    assert_null(strstr(text, "{index: 40, "));
    assert_non_null(strstr(text, "and 10 more"));
    flo_schema_list(&schema.features, list, sizeof list);
    assert_non_null(strstr(list, "0, 1, 2"));
    assert_non_null(strstr(list, " more"));
}

static void what_is_no_schema_is_refused(void **state)
{
    static const char *const texts[] = {
        "features: 3\n",
        "features: {dataset: x, width: 2, shape: [2]}\n",
        "features: {dataset: x, width: 2, shape: [2], columns: [{index: 2}]}\n",
        "features: {dataset: x, width: -1, shape: [2], columns: []}\n",
        "features: {dataset: x, width: 2, shape: [a], columns: []}\n",
        "[1, 2]\n"};
    fixture *const f = *state;
    flo_schema *schema;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        assert_int_equal(flo_schema_read(f->arena, "x.h5", texts[i], &schema),
                         FLO_ERROR_FILE);
        assert_non_null(strstr(flo_context_message(f->context), "x.h5"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(awkward_names_come_back),
                                       FIXTURE_TEST(long_schemas_are_cut_for_people),
                                       FIXTURE_TEST(what_is_no_schema_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
