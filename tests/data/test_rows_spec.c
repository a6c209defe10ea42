/* Rows known again by their fingerprint, and opened by FILE:dataset. */
#include "data/rows_fixture.h"

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

static flo_status open_spec(example *e, const char *data, flo_rows **rows)
{
    char spec[SCRATCH_PATH + 40];
    snprintf(spec, sizeof spec, "%s%s", e->path, data);
    return flo_rows_open_file(e->context, spec, rows);
}

static void files_open_by_spec(void **state)
{
    example *const e = *state;
    flo_rows *rows;
    assert_int_equal(open_spec(e, ":train", &rows), FLO_OK);
    assert_string_equal(flo_rows_dataset(rows), "train");
    assert_string_equal(flo_rows_file(rows), e->path);
    assert_int_equal(flo_rows_context_features(rows), 0);
    flo_batch batch = example_batch(1, D, 0);
    assert_int_equal(flo_rows_read(rows, 77, 1, &batch, NULL), FLO_OK);
    assert_true((double)batch.x[4] == example_value(77, 4));
    example_free(&batch);
    flo_rows_close(&rows);
    expect_words(e, open_spec(e, "", &rows), FLO_ERROR_DATA,
                 WORDS(e->path, "6 numeric data sets", "train_weights", ":NAME"));
    expect_words(e, open_spec(e, ":nothing", &rows), FLO_ERROR_DATA,
                 WORDS("'nothing'"));
    expect_words(e, open_spec(e, "x", &rows), FLO_ERROR_FILE, WORDS("data.h5x"));
    expect_words(e, open_spec(e, "x:y", &rows), FLO_ERROR_FILE,
                 WORDS("data.h5x:", "No such file"));
    assert_null(rows);
    example_add(e, "test", 10, D);
    assert_int_equal(open_spec(e, "", &rows), FLO_OK);
    assert_string_equal(flo_rows_dataset(rows), "test");
    flo_rows_close(&rows);
    /* A colon in the name of a file, and a data set that is the only one. */
    snprintf(e->path, sizeof e->path, "%s/a:b.h5", e->folder);
    example_add(e, "only", 10, D);
    assert_int_equal(open_spec(e, "", &rows), FLO_OK);
    assert_string_equal(flo_rows_dataset(rows), "only");
    flo_rows_close(&rows);
}

/* Without a schema another file is read by the settings' columns; one that holds just
   the chosen columns already is taken as it is, unless that can be meant otherwise. */
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
        assert_int_equal(
            flo_rows_open_like(e->context, &settings, spec, 2, NULL, &rows), FLO_OK);
        assert_int_equal(flo_rows_count(rows), 100);
        assert_int_equal(flo_rows_features(rows), 2);
        flo_batch batch = example_batch(1, 2, 0);
        assert_int_equal(flo_rows_read(rows, 50, 1, &batch, NULL), FLO_OK);
        assert_true((double)batch.x[0] == example_value(50, cases[c].first));
        assert_true((double)batch.weight[0] == cases[c].weight);
        example_free(&batch);
        flo_rows_close(&rows);
    }
    const flo_data_settings other = example_settings(e, "columns: [1, 0]");
    char spec[SCRATCH_PATH + 40];
    flo_rows *rows;
    snprintf(spec, sizeof spec, "%s:other_context", e->path);
    expect_words(
        e, flo_rows_open_like(e->context, &other, spec, 2, NULL, &rows), FLO_ERROR_DATA,
        WORDS("'other_context'", "in which order", "before models kept", "columns"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {ROWS_TEST(fingerprints_tell_content_not_place),
                                       ROWS_TEST(files_open_by_spec),
                                       ROWS_TEST(files_open_like_the_training_data)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
