/* Rows that cannot be had: wrong settings and bad rows are named, or dropped. */
#include "data/rows_fixture.h"

#include <math.h>

static void wrong_settings_are_named(void **state)
{
    example *const e = *state;
    static const struct {
        const char *yaml;
        flo_split split;
        flo_status status;
        const char *words[4];
    } cases[] = {
        {"test: null", FLO_TEST, FLO_ERROR_CONFIG, {"data.test", "found null"}},
        {"validation: 1.5", FLO_TRAIN, FLO_ERROR_CONFIG, {"data.validation", "1.5"}},
        {"validation: 0", FLO_TRAIN, FLO_ERROR_CONFIG, {"data.validation", "found 0"}},
        {"validation: 0.5, test: 0.5",
         FLO_TRAIN,
         FLO_ERROR_CONFIG,
         {"data.validation", "data.test", "0.5"}},
        {"validation: 1e-9",
         FLO_VALIDATION,
         FLO_ERROR_DATA,
         {"none of the 9001 rows", "'train'", "1e-09"}},
        {"train: trian", FLO_TRAIN, FLO_ERROR_DATA, {"'trian'", "train [9001, 5]"}},
        {"train: empty", FLO_TRAIN, FLO_ERROR_DATA, {"'empty'", "0 rows"}},
        {"columns: [0, 5]",
         FLO_TRAIN,
         FLO_ERROR_CONFIG,
         {"test.yaml:1: data.columns", "found 5", "'train'", "0 to 4"}},
        {"columns: [-1]", FLO_TRAIN, FLO_ERROR_CONFIG, {"data.columns", "found -1"}},
        {"columns: [x]", FLO_TRAIN, FLO_ERROR_CONFIG, {"data.columns", "found x"}},
        {"columns: each", FLO_TRAIN, FLO_ERROR_CONFIG, {"data.columns", "found each"}},
        {"columns: [1, 1]",
         FLO_TRAIN,
         FLO_ERROR_CONFIG,
         {"data.columns", "column 1", "once"}},
        {"columns: [1], context: [1]",
         FLO_TRAIN,
         FLO_ERROR_CONFIG,
         {"data.columns", "column 1", "data.context"}},
        {"context: [{a: 1}]", FLO_TRAIN, FLO_ERROR_CONFIG, {"data.context", "a map"}},
        {"weights: [1]", FLO_TRAIN, FLO_ERROR_CONFIG, {"data.weights", "a list"}},
        {"context: [0, 1, 2, 3, 4]", FLO_TRAIN, FLO_ERROR_DATA, {"'train'", "feature"}},
        {"columns: []", FLO_TRAIN, FLO_ERROR_DATA, {"'train'", "feature"}},
        {"columns: '0:6'",
         FLO_TRAIN,
         FLO_ERROR_CONFIG,
         {"data.columns", "found 0:6", "0 to 4"}},
        {"columns: '2:2'", FLO_TRAIN, FLO_ERROR_CONFIG, {"found 2:2"}},
        {"columns: '3:1'", FLO_TRAIN, FLO_ERROR_CONFIG, {"found 3:1"}},
        {"columns: '-2:'", FLO_TRAIN, FLO_ERROR_CONFIG, {"found -2:"}},
        {"columns: [{3: null}]", FLO_TRAIN, FLO_ERROR_CONFIG, {"a map", "\"3:\""}},
        {"columns: ['1:4', 3]",
         FLO_TRAIN,
         FLO_ERROR_CONFIG,
         {"column 3", "data.columns has already"}},
        {"weights: '0:2'",
         FLO_TRAIN,
         FLO_ERROR_CONFIG,
         {"data.weights", "2 columns", "wanted one"}},
        {"validation: 'none.h5:train'",
         FLO_VALIDATION,
         FLO_ERROR_FILE,
         {"none.h5:", "No such file"}},
        {"test: 'none-*.h5:train'", FLO_TEST, FLO_ERROR_FILE, {"none-*.h5", "pattern"}},
        {"context: other",
         FLO_TRAIN,
         FLO_ERROR_DATA,
         {"the context", "'other'", "100 rows", "9001"}},
        {"context: none", FLO_TRAIN, FLO_ERROR_DATA, {"'none'"}},
        {"weights: train_context",
         FLO_TRAIN,
         FLO_ERROR_DATA,
         {"'train_context'", "2 columns", "wanted one"}},
        {"weights: other", FLO_TRAIN, FLO_ERROR_DATA, {"the weights", "'other'"}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        const char *words[5] = {NULL};
        memcpy(words, cases[c].words, sizeof cases[c].words);
        expect_open_failure(e, cases[c].yaml, cases[c].split, cases[c].status, words);
    }
    flo_data_settings settings = example_settings(e, "train: train");
    settings.files.count = 0;
    flo_rows *rows;
    expect_words(e, flo_rows_open(e->context, &settings, 1, FLO_TRAIN, &rows),
                 FLO_ERROR_CONFIG, WORDS("data.files", "empty list"));
}

/* Every kind of bad row, with the words that must name it and the settings for it. */
static const struct bad_case {
    const char *yaml, *dataset;
    int64_t row, column;
    double value;
    const char *words[4];
} bad_cases[] = {
    {"train: train", "train", 7000, 3, NAN, {"'train'", "row 7000", "column 3", "nan"}},
    {"train: train", "train", 0, 0, INFINITY, {"'train'", "row 0", "column 0", "inf"}},
    {"columns: [4, 2]", "train", 8999, 2, -INFINITY, {"row 8999", "column 2", "-inf"}},
    {"context: [1]", "train", 12, 1, NAN, {"'train'", "row 12", "column 1", "nan"}},
    {"context: [1]", "train", 12, 4, NAN, {"'train'", "row 12", "column 4", "nan"}},
    {"weights: 2", "train", 4500, 2, -0.5, {"'train'", "row 4500", "column 2", "-0.5"}},
    {"weights: 2", "train", 9000, 2, NAN, {"'train'", "row 9000", "column 2", "nan"}},
    {"context: train_context",
     "train_context",
     333,
     1,
     INFINITY,
     {"'train_context'", "row 333", "column 1", "inf"}}};
enum { BAD_CASES = sizeof bad_cases / sizeof *bad_cases };

static void bad_rows_are_named(void **state)
{
    example *const e = *state;
    for (int c = 0; c < BAD_CASES; ++c) {
        const struct bad_case *const bad = &bad_cases[c];
        example_poke(e, bad->dataset, bad->row, bad->column, bad->value);
        flo_rows *rows = open_split(e, bad->yaml, 1, FLO_TRAIN);
        flo_batch batch = example_batch(N, D, D);
        const char *const words[] = {e->path,       bad->words[0], bad->words[1],
                                     bad->words[2], bad->words[3], "data.on_bad_rows",
                                     NULL};
        expect_words(e, flo_rows_read(rows, 0, N, &batch, NULL), FLO_ERROR_DATA, words);
        /* Rows before and behind can be read. */
        assert_int_equal(flo_rows_read(rows, 0, bad->row, &batch, NULL), FLO_OK);
        assert_int_equal(
            flo_rows_read(rows, bad->row + 1, N - bad->row - 1, &batch, NULL), FLO_OK);
        flo_rows_close(&rows);
        example_free(&batch);
        example_poke(e, bad->dataset, bad->row, bad->column,
                     example_value(bad->row, bad->column));
    }
}

static void bad_rows_can_be_dropped(void **state)
{
    example *const e = *state;
    for (int c = 0; c < BAD_CASES; ++c) {
        const struct bad_case *const bad = &bad_cases[c];
        example_poke(e, bad->dataset, bad->row, bad->column, bad->value);
        char yaml[200];
        snprintf(yaml, sizeof yaml, "%s, on_bad_rows: drop", bad->yaml);
        flo_rows *rows = open_split(e, yaml, 1, FLO_TRAIN);
        const int64_t features = flo_rows_features(rows);
        const int64_t contexts = flo_rows_context_features(rows);
        flo_batch batch = example_batch(N, features, contexts);
        int64_t count = 5;
        assert_int_equal(flo_rows_read(rows, 0, N, &batch, &count), FLO_OK);
        assert_int_equal(count, 6);
        for (int64_t i = 0; i < N; ++i) {
            assert_int_equal(batch.weight[i] == 0, i == bad->row);
            for (int64_t j = 0; j < features; ++j)
                assert_int_equal(batch.x[i * features + j] == 0, i == bad->row);
            for (int64_t j = 0; j < contexts; ++j)
                assert_int_equal(batch.context[i * contexts + j] == 0, i == bad->row);
        }
        flo_rows_close(&rows);
        example_free(&batch);
        example_poke(e, bad->dataset, bad->row, bad->column,
                     example_value(bad->row, bad->column));
    }
}

/* Several values of a row, and rows side by side; on a fraction the stored row is
   named, and rows of other splits do not matter. */
static void bad_rows_of_a_fraction_keep_their_stored_index(void **state)
{
    example *const e = *state;
    static const char *const split = "validation: 0.5";
    flo_rows *rows = open_split(e, split, 3, FLO_VALIDATION);
    int64_t *const stored = list_rows(rows);
    flo_rows_close(&rows);
    const int64_t first = stored[1000], second = stored[1001];
    free(stored);
    example_poke(e, "train", first, 1, NAN);
    example_poke(e, "train", first, 4, NAN);
    example_poke(e, "train", second, 0, NAN);
    rows = open_split(e, split, 3, FLO_VALIDATION);
    flo_batch batch = example_batch(N, D, 0);
    char row[32];
    snprintf(row, sizeof row, "row %lld,", (long long)first);
    expect_words(e, flo_rows_read(rows, 0, flo_rows_count(rows), &batch, NULL),
                 FLO_ERROR_DATA, WORDS(row, "column 1"));
    flo_rows_close(&rows);
    rows = open_split(e, "validation: 0.5, on_bad_rows: drop", 3, FLO_VALIDATION);
    int64_t bad = 0;
    assert_int_equal(flo_rows_read(rows, 0, flo_rows_count(rows), &batch, &bad),
                     FLO_OK);
    assert_int_equal(bad, 2);
    assert_true(batch.weight[1000] == 0 && batch.weight[1001] == 0);
    flo_rows_close(&rows);
    rows = open_split(e, split, 3, FLO_TRAIN);
    assert_int_equal(flo_rows_read(rows, 0, flo_rows_count(rows), &batch, NULL),
                     FLO_OK);
    flo_rows_close(&rows);
    example_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS_TEST(wrong_settings_are_named), ROWS_TEST(bad_rows_are_named),
        ROWS_TEST(bad_rows_can_be_dropped),
        ROWS_TEST(bad_rows_of_a_fraction_keep_their_stored_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
