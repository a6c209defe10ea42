/* Rows of splits: every row in one split, every value in its place, bad ones named. */
#include "data/rows.h"

#include "data/example.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { N = 9001, D = 5 };

static int set_up(void **state)
{
    example *const e = malloc(sizeof *e);
    example_create(e);
    example_add(e, "train", N, D);
    example_add(e, "train_context", N, 2);
    example_add(e, "train_weights", N, 0);
    example_add(e, "other", 100, D);
    example_add(e, "other_context", 100, 2);
    example_add(e, "empty", 0, D);
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    example *const e = *state;
    const int64_t leaks = example_destroy(e);
    free(e);
    assert_int_equal(leaks, 0);
    return 0;
}

static flo_rows *open_split(example *e, const char *yaml, uint64_t seed,
                            flo_split split)
{
    const flo_data_settings settings = example_settings(e, yaml);
    flo_rows *rows;
    if (flo_rows_open(e->context, &settings, seed, split, &rows) != FLO_OK)
        fail_msg("%s", flo_context_message(e->context));
    return rows;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_words(example *e, flo_status found, flo_status wanted,
                         const char *const *words)
{
    const char *const message = flo_context_message(e->context);
    if (found != wanted)
        fail_msg("status %d, wanted %d: %s", found, wanted, message);
    for (; *words; ++words)
        if (!strstr(message, *words))
            fail_msg("'%s' does not say '%s'", message, *words);
}

static void expect_open_failure(example *e, const char *yaml, flo_split split,
                                flo_status wanted, const char *const *words)
{
    const flo_data_settings settings = example_settings(e, yaml);
    flo_rows *rows;
    const flo_status status = flo_rows_open(e->context, &settings, 1, split, &rows);
    assert_null(rows);
    expect_words(e, status, wanted, words);
}

/* The stored row that value `x` of column `column` comes from. */
static int64_t stored_row(flo_real x, int64_t column)
{
    return (int64_t)((double)x - (double)(column + 1) / 16);
}

/* Reads a range into a batch whose feature j must be the stored column feature[j] of
   the stored rows in `stored` (NULL: the row itself). */
static void check_range(flo_rows *rows, int64_t first, int64_t count,
                        const int64_t *stored)
{
    const int64_t features = flo_rows_features(rows);
    flo_batch batch = example_batch(count, features, 0);
    int64_t bad = 3;
    assert_int_equal(flo_rows_read(rows, first, count, &batch, &bad), FLO_OK);
    assert_int_equal(batch.rows, count);
    assert_int_equal(bad, 3);
    for (int64_t i = 0; i < count; ++i) {
        for (int64_t j = 0; j < features; ++j)
            assert_true((double)batch.x[i * features + j] ==
                        example_value(stored ? stored[first + i] : first + i, j));
        assert_true(batch.weight[i] == 1);
    }
    example_free(&batch);
}

static void every_range_of_a_data_set_reads(void **state)
{
    example *const e = *state;
    flo_rows *rows = open_split(e, "train: train", 1, FLO_TRAIN);
    assert_int_equal(flo_rows_count(rows), N);
    assert_int_equal(flo_rows_features(rows), D);
    assert_int_equal(flo_rows_context_features(rows), 0);
    assert_string_equal(flo_rows_file(rows), e->path);
    assert_string_equal(flo_rows_dataset(rows), "train");
    assert_true(flo_rows_describe(rows)->direct);
    check_range(rows, 0, N, NULL);
    check_range(rows, N - 1, 1, NULL);
    check_range(rows, 4000, 17, NULL);
    check_range(rows, N, 0, NULL);
    flo_rows_close(&rows);
    assert_null(rows);
}

/* The stored rows of a split, read whole; to be freed. */
static int64_t *list_rows(flo_rows *rows)
{
    const int64_t count = flo_rows_count(rows), features = flo_rows_features(rows);
    int64_t *const stored = malloc((size_t)count * sizeof *stored);
    flo_batch batch = example_batch(count, features, 0);
    assert_int_equal(flo_rows_read(rows, 0, count, &batch, NULL), FLO_OK);
    for (int64_t i = 0; i < count; ++i)
        stored[i] = stored_row(batch.x[i * features], 0);
    example_free(&batch);
    return stored;
}

static void fractions_partition_the_rows(void **state)
{
    example *const e = *state;
    static const struct {
        const char *yaml;
        double fraction[FLO_SPLITS];
    } cases[] = {{"validation: 0.1, test: 0.2", {0.7, 0.1, 0.2}},
                 {"validation: other, test: 0.001", {0.999, 0, 0.001}},
                 {"validation: 0.97, test: other", {0.03, 0.97, 0}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        char seen[N] = {0};
        for (flo_split s = FLO_TRAIN; s < FLO_SPLITS; ++s) {
            if (cases[c].fraction[s] == 0)
                continue;
            flo_rows *rows = open_split(e, cases[c].yaml, 5, s);
            const int64_t count = flo_rows_count(rows);
            const double p = cases[c].fraction[s];
            assert_true(fabs((double)count - p * N) < 5 * sqrt(p * (1 - p) * N));
            int64_t *const stored = list_rows(rows);
            for (int64_t i = 0; i < count; ++i) {
                assert_true(i == 0 || stored[i] > stored[i - 1]);
                assert_int_equal(seen[stored[i]]++, 0);
            }
            for (int64_t first = 0; first < count; first += 1 + count / 29)
                check_range(rows, first, (count - first + 1) / 2, stored);
            free(stored);
            flo_rows_close(&rows);
        }
        for (int64_t i = 0; i < N; ++i)
            assert_int_equal(seen[i], 1);
    }
}

/* Rows so wide that a read is cut into many pieces, whole and of a fraction. */
static void wide_rows_read_in_pieces(void **state)
{
    example *const e = *state;
    enum { ROWS = 3000, WIDE = 500 };
    example_add(e, "wide", ROWS, WIDE);
    flo_rows *rows = open_split(e, "train: wide", 1, FLO_TRAIN);
    check_range(rows, 1, ROWS - 1, NULL);
    flo_rows_close(&rows);
    for (flo_split s = FLO_TRAIN; s <= FLO_VALIDATION; ++s) {
        rows = open_split(e, "train: wide, validation: 0.3", 1, s);
        int64_t *const stored = list_rows(rows);
        check_range(rows, 7, flo_rows_count(rows) - 7, stored);
        for (int64_t i = 1; i < flo_rows_count(rows); ++i)
            assert_true(stored[i] > stored[i - 1]);
        free(stored);
        flo_rows_close(&rows);
    }
    example_poke(e, "wide", 2500, 499, NAN);
    rows = open_split(e, "train: wide", 1, FLO_TRAIN);
    flo_batch batch = example_batch(ROWS, WIDE, 0);
    expect_words(e, flo_rows_read(rows, 0, ROWS, &batch, NULL), FLO_ERROR_DATA,
                 WORDS("row 2500, column 499"));
    example_free(&batch);
    flo_rows_close(&rows);
}

/* A row's split is a function of its index and the seed: not of how many follow, how
   the data is stored, or the other split's share. */
static void membership_is_by_index_and_seed(void **state)
{
    example *const e = *state;
    const hid_t file = H5Fopen(e->path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hsize_t shape[2] = {5000, D};
    const scratch_layout layout = {{77, D}, 1, 0, 0};
    double *const values = example_values(5000, D);
    scratch_add(file, "chunked", H5T_IEEE_F64LE, 2, shape, &layout, H5T_NATIVE_DOUBLE,
                values);
    free(values);
    H5Fclose(file);
    flo_rows *rows = open_split(e, "validation: 0.3", 5, FLO_VALIDATION);
    flo_rows *part =
        open_split(e, "train: chunked, validation: 0.3, test: 0.2", 5, FLO_VALIDATION);
    flo_rows *other = open_split(e, "validation: 0.3", 6, FLO_VALIDATION);
    int64_t *const a = list_rows(rows), *const b = list_rows(part),
                   *const c = list_rows(other);
    const int64_t count = flo_rows_count(part);
    assert_false(flo_rows_describe(part)->direct);
    int64_t same = 0;
    for (int64_t i = 0; i < count; ++i) {
        assert_int_equal(a[i], b[i]);
        same += a[i] == c[i];
    }
    assert_true(a[count] >= 5000);
    assert_true(same < count / 5);
    free(a);
    free(b);
    free(c);
    flo_rows_close(&rows);
    flo_rows_close(&part);
    flo_rows_close(&other);
}

/* Features, context and weight by columns of one data set, on whole and part splits. */
static void columns_go_where_they_are_sent(void **state)
{
    example *const e = *state;
    static const struct {
        const char *yaml;
        int64_t features, feature[D], contexts, context[2], weight;
    } cases[] = {
        {"columns: [4, 0]", 2, {4, 0}, 0, {0}, -1},
        {"columns: 3", 1, {3}, 0, {0}, -1},
        {"context: [1]", 4, {0, 2, 3, 4}, 1, {1}, -1},
        {"context: [4, 2], weights: 0", 2, {1, 3}, 2, {4, 2}, 0},
        {"context: 4", 4, {0, 1, 2, 3}, 1, {4}, -1},
        {"columns: [2, 1], context: [0, 4], weights: 3", 2, {2, 1}, 2, {0, 4}, 3},
        {"columns: [0, 1, 2, 3, 4]", 5, {0, 1, 2, 3, 4}, 0, {0}, -1},
        {"columns: '1:3'", 2, {1, 2}, 0, {0}, -1},
        {"columns: ['3:', 0]", 3, {3, 4, 0}, 0, {0}, -1},
        {"columns: ':2', context: '2:4', weights: '4:'", 2, {0, 1}, 2, {2, 3}, 4},
        {"context: '0:2'", 3, {2, 3, 4}, 2, {0, 1}, -1},
        {"columns: [0:1, 2:3]", 2, {0, 2}, 0, {0}, -1},
        {"columns: ':'", 5, {0, 1, 2, 3, 4}, 0, {0}, -1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c)
        for (int part = 0; part < 2; ++part) {
            char yaml[200];
            snprintf(yaml, sizeof yaml, "%s%s", cases[c].yaml,
                     part ? ", validation: 0.4" : "");
            flo_rows *rows = open_split(e, yaml, 1, part ? FLO_VALIDATION : FLO_TRAIN);
            const int64_t count = flo_rows_count(rows), features = cases[c].features,
                          contexts = cases[c].contexts;
            assert_int_equal(flo_rows_features(rows), features);
            assert_int_equal(flo_rows_context_features(rows), contexts);
            flo_batch batch = example_batch(count, features, contexts);
            assert_int_equal(flo_rows_read(rows, 0, count, &batch, NULL), FLO_OK);
            for (int64_t i = 0; i < count; ++i) {
                const int64_t row =
                    stored_row(batch.x[i * features], cases[c].feature[0]);
                assert_true(part || row == i);
                for (int64_t j = 0; j < features; ++j)
                    assert_true((double)batch.x[i * features + j] ==
                                example_value(row, cases[c].feature[j]));
                for (int64_t j = 0; j < contexts; ++j)
                    assert_true((double)batch.context[i * contexts + j] ==
                                example_value(row, cases[c].context[j]));
                assert_true(
                    (double)batch.weight[i] ==
                    (cases[c].weight < 0 ? 1 : example_value(row, cases[c].weight)));
            }
            example_free(&batch);
            flo_rows_close(&rows);
        }
}

static void context_and_weights_come_from_data_sets(void **state)
{
    example *const e = *state;
    static const char *const yaml =
        "context: '{split}_context', weights: train_weights, validation: 0.5";
    for (flo_split s = FLO_TRAIN; s <= FLO_VALIDATION; ++s) {
        flo_rows *rows = open_split(e, yaml, 2, s);
        const int64_t count = flo_rows_count(rows);
        assert_int_equal(flo_rows_features(rows), D);
        assert_int_equal(flo_rows_context_features(rows), 2);
        flo_batch batch = example_batch(count, D, 2);
        assert_int_equal(flo_rows_read(rows, 0, count, &batch, NULL), FLO_OK);
        for (int64_t i = 0; i < count; ++i) {
            const int64_t row = stored_row(batch.x[i * D], 0);
            for (int64_t j = 0; j < 2; ++j)
                assert_true((double)batch.context[i * 2 + j] == example_value(row, j));
            assert_true((double)batch.weight[i] == example_value(row, 0));
        }
        example_free(&batch);
        flo_rows_close(&rows);
    }
    flo_rows *rows = open_split(e, "validation: other, context: '{split}_context'", 2,
                                FLO_VALIDATION);
    assert_int_equal(flo_rows_count(rows), 100);
    assert_int_equal(flo_rows_context_features(rows), 2);
    flo_rows_close(&rows);
}

static void weights_of_a_data_set_are_read(void **state)
{
    example *const e = *state;
    double weights[100];
    for (int i = 0; i < 100; ++i)
        weights[i] = i;
    scratch_matrix(e->path, "other_weights", H5T_STD_U8LE, 100, 0, weights);
    flo_rows *rows =
        open_split(e, "train: other, weights: '{split}_weights'", 1, FLO_TRAIN);
    flo_batch batch = example_batch(100, D, 0);
    assert_int_equal(flo_rows_read(rows, 20, 80, &batch, NULL), FLO_OK);
    for (int i = 0; i < 80; ++i)
        assert_true(batch.weight[i] == (flo_real)(20 + i));
    example_free(&batch);
    flo_rows_close(&rows);
}

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

static uint64_t fingerprint(example *e, const char *yaml, flo_split split)
{
    flo_rows *rows = open_split(e, yaml, 1, split);
    uint64_t found = 0;
    assert_int_equal(flo_rows_fingerprint(rows, &found), FLO_OK);
    flo_rows_close(&rows);
    return found;
}

static void fingerprints_tell_content_not_place(void **state)
{
    example *const e = *state;
    double *const values = example_values(N, D);
    const hid_t file = H5Fopen(e->path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hsize_t shape[2] = {N, D}, shorter[2] = {N - 1, D};
    const scratch_layout layout = {{100, D}, 1, 0, 0};
    scratch_add(file, "copy", H5T_IEEE_F64LE, 2, shape, &layout, H5T_NATIVE_DOUBLE,
                values);
    scratch_add(file, "shorter", H5T_IEEE_F64LE, 2, shorter, &layout, H5T_NATIVE_DOUBLE,
                values);
    free(values);
    H5Fclose(file);
    const uint64_t base = fingerprint(e, "train: train", FLO_TRAIN);
    assert_true(fingerprint(e, "train: copy", FLO_TRAIN) == base);
    assert_false(fingerprint(e, "train: shorter", FLO_TRAIN) == base);
    assert_false(fingerprint(e, "columns: [1, 0, 2, 3, 4]", FLO_TRAIN) == base);
    assert_false(fingerprint(e, "weights: train_weights", FLO_TRAIN) == base);
    assert_false(fingerprint(e, "context: train_context", FLO_TRAIN) == base);
    assert_false(fingerprint(e, "validation: 0.5", FLO_TRAIN) == base);
    /* Samples of the same values: only the shape differs. */
    static const double zeros[200 * D];
    scratch_matrix(e->path, "zeros", H5T_IEEE_F32LE, 100, D, zeros);
    scratch_matrix(e->path, "more_zeros", H5T_IEEE_F32LE, 101, D, zeros);
    assert_false(fingerprint(e, "train: zeros", FLO_TRAIN) ==
                 fingerprint(e, "train: more_zeros", FLO_TRAIN));
    /* The first and the last row are among those looked at. */
    example_poke(e, "train", 0, 4, 1);
    assert_false(fingerprint(e, "train: train", FLO_TRAIN) == base);
    example_poke(e, "train", 0, 4, example_value(0, 4));
    assert_true(fingerprint(e, "train: train", FLO_TRAIN) == base);
    example_poke(e, "train", N - 1, 0, 1);
    assert_false(fingerprint(e, "train: train", FLO_TRAIN) == base);
}

static flo_status open_spec(example *e, const char *data, const char *context,
                            flo_rows **rows)
{
    char data_spec[SCRATCH_PATH + 40], context_spec[SCRATCH_PATH + 40];
    snprintf(data_spec, sizeof data_spec, "%s%s", e->path, data);
    if (context)
        snprintf(context_spec, sizeof context_spec, "%s%s", e->path, context);
    return flo_rows_open_file(e->context, data_spec, context ? context_spec : NULL,
                              rows);
}

static void files_open_by_spec(void **state)
{
    example *const e = *state;
    flo_rows *rows;
    assert_int_equal(open_spec(e, ":train", ":train_context", &rows), FLO_OK);
    assert_string_equal(flo_rows_dataset(rows), "train");
    assert_string_equal(flo_rows_file(rows), e->path);
    assert_int_equal(flo_rows_context_features(rows), 2);
    flo_batch batch = example_batch(1, D, 2);
    assert_int_equal(flo_rows_read(rows, 77, 1, &batch, NULL), FLO_OK);
    assert_true((double)batch.x[4] == example_value(77, 4));
    assert_true((double)batch.context[1] == example_value(77, 1));
    example_free(&batch);
    flo_rows_close(&rows);
    expect_words(e, open_spec(e, "", NULL, &rows), FLO_ERROR_DATA,
                 WORDS(e->path, "6 numeric data sets", "train_weights", ":NAME"));
    expect_words(e, open_spec(e, ":train", ":other_context", &rows), FLO_ERROR_DATA,
                 WORDS("the context", "'other_context'", "100", "9001"));
    expect_words(e, open_spec(e, ":nothing", NULL, &rows), FLO_ERROR_DATA,
                 WORDS("'nothing'"));
    expect_words(e, open_spec(e, "x", NULL, &rows), FLO_ERROR_FILE, WORDS("data.h5x"));
    expect_words(e, open_spec(e, "x:y", NULL, &rows), FLO_ERROR_FILE,
                 WORDS("data.h5x:", "No such file"));
    assert_null(rows);
    example_add(e, "test", 10, D);
    assert_int_equal(open_spec(e, "", NULL, &rows), FLO_OK);
    assert_string_equal(flo_rows_dataset(rows), "test");
    flo_rows_close(&rows);
    /* A colon in the name of a file, and a data set that is the only one. */
    snprintf(e->path, sizeof e->path, "%s/a:b.h5", e->folder);
    example_add(e, "only", 10, D);
    assert_int_equal(open_spec(e, "", NULL, &rows), FLO_OK);
    assert_string_equal(flo_rows_dataset(rows), "only");
    flo_rows_close(&rows);
}

/* Another file is read by the settings' columns; one that holds the chosen columns
   already is taken as it is. */
static void files_open_like_the_training_data(void **state)
{
    example *const e = *state;
    const flo_data_settings settings =
        example_settings(e, "columns: [4, 0], weights: 3, validation: 0.5");
    static const struct {
        const char *name;
        int64_t first;
        double weight;
    } cases[] = {{":other", 4, 50.25}, {":other_context", 0, 1}};
    for (int c = 0; c < 2; ++c) {
        char spec[SCRATCH_PATH + 40];
        snprintf(spec, sizeof spec, "%s%s", e->path, cases[c].name);
        flo_rows *rows;
        assert_int_equal(flo_rows_open_like(e->context, &settings, spec, 2, &rows),
                         FLO_OK);
        assert_int_equal(flo_rows_count(rows), 100);
        assert_int_equal(flo_rows_features(rows), 2);
        flo_batch batch = example_batch(1, 2, 0);
        assert_int_equal(flo_rows_read(rows, 50, 1, &batch, NULL), FLO_OK);
        assert_true((double)batch.x[0] == example_value(50, cases[c].first));
        assert_true((double)batch.weight[0] == cases[c].weight);
        example_free(&batch);
        flo_rows_close(&rows);
    }
}

static void defaults_are_those_of_the_design(void **state)
{
    example *const e = *state;
    const flo_data_settings settings = example_settings(e, "on_bad_rows: error");
    assert_int_equal(settings.files.count, 1);
    assert_string_equal(settings.train, "train");
    assert_null(settings.validation);
    assert_null(settings.test);
    assert_string_equal(settings.columns->text, "all");
    assert_null(settings.context);
    assert_null(settings.weights);
    assert_true(settings.memory == 2000000000);
    assert_true(settings.window_rows == FLO_AUTO);
    assert_int_equal(settings.on_bad_rows, FLO_BAD_ROWS_ERROR);
    assert_int_equal(example_settings(e, "on_bad_rows: drop").on_bad_rows,
                     FLO_BAD_ROWS_DROP);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    example *const e = *state;
    const flo_data_settings settings = example_settings(
        e, "validation: 0.5, context: train_context, weights: train_weights");
    flo_rows *rows = NULL;
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 200; ++n) {
        e->context->fail_at = (int64_t)e->context->made + n;
        status = flo_rows_open(e->context, &settings, 1, FLO_TRAIN, &rows);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_true((status == FLO_OK) == (rows != NULL));
    }
    e->context->fail_at = 0;
    assert_int_equal(status, FLO_OK);
    flo_rows_close(&rows);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_range_of_a_data_set_reads),
        TEST(fractions_partition_the_rows),
        TEST(wide_rows_read_in_pieces),
        TEST(membership_is_by_index_and_seed),
        TEST(columns_go_where_they_are_sent),
        TEST(context_and_weights_come_from_data_sets),
        TEST(weights_of_a_data_set_are_read),
        TEST(wrong_settings_are_named),
        TEST(bad_rows_are_named),
        TEST(bad_rows_can_be_dropped),
        TEST(bad_rows_of_a_fraction_keep_their_stored_index),
        TEST(fingerprints_tell_content_not_place),
        TEST(files_open_by_spec),
        TEST(files_open_like_the_training_data),
        TEST(defaults_are_those_of_the_design),
        TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
