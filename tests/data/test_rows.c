/* Rows of splits: every row in one split, every value in its place. */
#include "data/rows_fixture.h"

#include <math.h>

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
    assert_true(flo_source_describe(flo_rows_source(rows))->direct);
    check_range(rows, 0, N, NULL);
    check_range(rows, N - 1, 1, NULL);
    check_range(rows, 4000, 17, NULL);
    check_range(rows, N, 0, NULL);
    flo_rows_close(&rows);
    assert_null(rows);
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
    const uint64_t begin = flo_work_done(e->context);
    check_range(rows, 1, ROWS - 1, NULL);
    /* The file is opened, pieces of a MiB are read, six of floats: from outside it is
       seen to go on. */
    const uint64_t pieces = sizeof(flo_real) == sizeof(float) ? 6 : 12;
    assert_int_equal(flo_work_done(e->context) - begin, 1 + pieces);
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
    assert_false(flo_source_describe(flo_rows_source(part))->direct);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS_TEST(every_range_of_a_data_set_reads),
        ROWS_TEST(fractions_partition_the_rows),
        ROWS_TEST(wide_rows_read_in_pieces),
        ROWS_TEST(membership_is_by_index_and_seed),
        ROWS_TEST(columns_go_where_they_are_sent),
        ROWS_TEST(context_and_weights_come_from_data_sets),
        ROWS_TEST(weights_of_a_data_set_are_read),
        ROWS_TEST(defaults_are_those_of_the_design),
        ROWS_TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
