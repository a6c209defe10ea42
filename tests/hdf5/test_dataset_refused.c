/* Files and data sets that cannot be read: each named, with what is wrong and wanted.
 */
#include "hdf5/dataset_fixture.h"

#include <fcntl.h>
#include <sys/file.h>

enum { ROWS = VALUE_ROWS, COLUMNS = VALUE_COLUMNS };

static void wrong_files_are_named(void **state)
{
    fixture *const f = *state;
    char path[SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/none.h5", f->folder);
    expect_open_failure(f, path, "x", FLO_ERROR_FILE,
                        WORDS(path, "No such file or directory"));
    assert_false(flo_dataset_exists(path, "x"));
    expect_open_failure(f, f->folder, "x", FLO_ERROR_FILE,
                        WORDS(f->folder, "regular file"));
    FILE *file = fopen(path, "w");
    fclose(file);
    expect_open_failure(f, path, "x", FLO_ERROR_FILE,
                        WORDS(path, "not an HDF5 file", "0 bytes"));
    file = fopen(path, "w");
    fprintf(file, "%5000d", 1);
    fclose(file);
    expect_open_failure(f, path, "x", FLO_ERROR_FILE, WORDS(path, "not an HDF5 file"));
    assert_false(flo_dataset_exists(path, "x"));
    assert_int_equal(flo_dataset_each(f->context, path, NULL, NULL), FLO_ERROR_FILE);
}

static void every_truncation_is_refused(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "x", H5T_IEEE_F32LE, 500, COLUMNS, f->values);
    const hid_t file = H5Fopen(f->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hsize_t size;
    H5Fget_filesize(file, &size);
    H5Fclose(file);
    for (int64_t cut = (int64_t)size - 1; cut > 0; cut -= 1 + cut / 7) {
        assert_int_equal(truncate(f->path, cut), 0);
        expect_open_failure(f, f->path, "x", FLO_ERROR_FILE, WORDS(f->path));
    }
}

static void a_file_cut_after_opening_is_named(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "x", H5T_IEEE_F64LE, ROWS, COLUMNS, f->values);
    flo_dataset *dataset;
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    assert_int_equal(truncate(f->path, 20000), 0);
    flo_real out[10 * COLUMNS];
    assert_int_equal(flo_dataset_read(dataset, 0, 10, COLUMNS, out), FLO_OK);
    expect_failure(f, flo_dataset_read(dataset, 2000, 10, COLUMNS, out), FLO_ERROR_FILE,
                   WORDS(f->path, "'x'", "2000", "2009", "cut short"));
    flo_dataset_close(&dataset);
}

static void a_damaged_chunk_is_named(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const scratch_layout layout = {{ROWS, COLUMNS}, 9, 0, 0};
    scratch_add(file, "x", H5T_IEEE_F64LE, 2, shape, &layout, H5T_NATIVE_DOUBLE,
                f->values);
    H5Fclose(file);
    flo_dataset *dataset;
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    const int descriptor = open(f->path, O_RDWR);
    const off_t end = lseek(descriptor, 0, SEEK_END);
    static const char junk[256] = {1, 2, 3};
    for (off_t at = 2048; at + 256 < end; at += 256)
        assert_int_equal(pwrite(descriptor, junk, sizeof junk, at), sizeof junk);
    close(descriptor);
    flo_real out[COLUMNS];
    expect_failure(f, flo_dataset_read(dataset, 5, 1, COLUMNS, out), FLO_ERROR_FILE,
                   WORDS(f->path, "'x'", "rows 5 to 5", "damaged"));
    flo_dataset_close(&dataset);
}

static void wrong_datasets_are_named(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 512);
    const hsize_t shape[2] = {30, 7}, nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 4);
    scratch_add(file, "deep/train", H5T_IEEE_F32LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "scalar", H5T_IEEE_F32LE, 0, NULL, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "unwritten", H5T_IEEE_F32LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                NULL);
    scratch_add(file, "text", text, 2, shape, NULL, text, f->values);
    scratch_add(file, "nine", H5T_IEEE_F32LE, 9, nine, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    H5Tclose(text);
    H5Fclose(file);
    const char *const path = f->path;
    expect_open_failure(f, path, "trian", FLO_ERROR_DATA,
                        WORDS(path, "'trian'", "deep/train [30, 7] float32"));
    expect_open_failure(f, path, "deep", FLO_ERROR_DATA,
                        WORDS(path, "a group", "'deep'", "deep/train"));
    expect_open_failure(f, path, "scalar", FLO_ERROR_DATA,
                        WORDS(path, "'scalar'", "rank 0"));
    expect_open_failure(f, path, "text", FLO_ERROR_DATA,
                        WORDS(path, "'text'", "string", "wanted"));
    expect_open_failure(f, path, "nine", FLO_ERROR_DATA, WORDS(path, "'nine'", "rank"));
    /* Behind a user block its offset looks valid. */
    expect_open_failure(f, path, "unwritten", FLO_ERROR_DATA,
                        WORDS(path, "'unwritten'", "never written"));
    assert_true(flo_dataset_exists(path, "deep/train"));
    assert_true(flo_dataset_exists(path, "deep"));
    assert_false(flo_dataset_exists(path, "trian"));
}

/* As a writer of HDF5 holds it: an exclusive lock of another open file. */
static void a_file_being_written_is_refused(void **state)
{
    fixture *const f = *state;
    scratch_matrix(f->path, "x", H5T_IEEE_F64LE, 10, COLUMNS, f->values);
    const int writer = open(f->path, O_RDONLY);
    assert_int_equal(flock(writer, LOCK_EX | LOCK_NB), 0);
    unsetenv("HDF5_USE_FILE_LOCKING");
    expect_open_failure(f, f->path, "x", FLO_ERROR_FILE,
                        WORDS(f->path, "another program", "HDF5_USE_FILE_LOCKING"));
    flo_dataset *dataset;
    static const char *const off[2] = {"FALSE", "0"};
    for (int i = 0; i < 2; ++i) {
        setenv("HDF5_USE_FILE_LOCKING", off[i], 1);
        assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
        flo_dataset_close(&dataset);
    }
    unsetenv("HDF5_USE_FILE_LOCKING");
    /* Other readers are welcome, and we are no hindrance to a writer. */
    assert_int_equal(flock(writer, LOCK_SH | LOCK_NB), 0);
    assert_int_equal(flo_dataset_open(f->context, f->path, "x", &dataset), FLO_OK);
    assert_int_equal(flock(writer, LOCK_EX | LOCK_NB), 0);
    flo_dataset_close(&dataset);
    close(writer);
}

/* HDF5 prints nothing on failures, and prints again for the program afterwards. */
static void hdf5_stays_silent(void **state)
{
    fixture *const f = *state;
    char log[SCRATCH_PATH];
    snprintf(log, sizeof log, "%s/stderr", f->folder);
    scratch_matrix(f->path, "x", H5T_IEEE_F32LE, 10, 2, f->values);
    fflush(stderr);
    const int kept = dup(2), file = open(log, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, 2);
    flo_dataset *dataset;
    const flo_status status = flo_dataset_open(f->context, f->path, "y", &dataset);
    flo_dataset_exists(f->path, "a/b/c");
    truncate(f->path, 1000);
    const flo_status second = flo_dataset_open(f->context, f->path, "x", &dataset);
    flo_dataset_exists(f->path, "x");
    fflush(stderr);
    const off_t ours = lseek(file, 0, SEEK_END);
    H5Fopen(f->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    fflush(stderr);
    const off_t theirs = lseek(file, 0, SEEK_END);
    dup2(kept, 2);
    close(kept);
    close(file);
    assert_int_equal(status, FLO_ERROR_DATA);
    assert_int_equal(second, FLO_ERROR_FILE);
    assert_int_equal(ours, 0);
    assert_true(theirs > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(wrong_files_are_named),
                                       FIXTURE_TEST(every_truncation_is_refused),
                                       FIXTURE_TEST(a_file_cut_after_opening_is_named),
                                       FIXTURE_TEST(a_damaged_chunk_is_named),
                                       FIXTURE_TEST(wrong_datasets_are_named),
                                       FIXTURE_TEST(a_file_being_written_is_refused),
                                       FIXTURE_TEST(hdf5_stays_silent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
