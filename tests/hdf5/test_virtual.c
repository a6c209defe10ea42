/* Virtual data sets: read when every source is there, whole; refused elsewhere. */
#include "hdf5/dataset_fixture.h"

enum { ROWS = VALUE_ROWS, COLUMNS = VALUE_COLUMNS };

/* A virtual data set of ROWS rows of which `mapped` come from the source, there from
   row `first` on. part.h5 holds `kept` rows: the values from row `first` on are ours.
 */
static void write_virtual(const fixture *f, const char *source, hsize_t first,
                          hsize_t mapped, hsize_t kept)
{
    char part[SCRATCH_PATH];
    snprintf(part, sizeof part, "%s/part.h5", f->folder);
    unlink(part);
    double *const values = calloc((first + ROWS) * COLUMNS, sizeof *values);
    memcpy(values + first * COLUMNS, f->values, sizeof f->values);
    scratch_matrix(part, "x", H5T_IEEE_F64LE, (int64_t)kept, COLUMNS, values);
    free(values);
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {ROWS, COLUMNS}, some[2] = {mapped, COLUMNS};
    const hsize_t start[2] = {0, 0}, from[2] = {first, 0};
    const hsize_t extent[2] = {first + mapped, COLUMNS};
    const hid_t space = H5Screate_simple(2, shape, NULL);
    const hid_t whole = H5Screate_simple(2, extent, NULL);
    if (first)
        H5Sselect_hyperslab(whole, H5S_SELECT_SET, from, NULL, some, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, some, NULL);
    H5Pset_virtual(creation, space, source, "x", whole);
    const hid_t dataset = H5Dcreate2(file, "v", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT,
                                     creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(whole);
    H5Sclose(space);
    H5Fclose(file);
}

static void virtual_sources_must_be_there(void **state)
{
    fixture *const f = *state;
    for (hsize_t first = 0; first < 4; first += 3) {
        flo_dataset *dataset;
        write_virtual(f, "part.h5", first, ROWS, first + ROWS); /* beside the file */
        expect_failure(f, flo_dataset_open(f->context, f->path, "v", &dataset), FLO_OK,
                       WORDS(""));
        assert_string_equal(flo_dataset_describe(dataset)->layout, "virtual");
        assert_false(flo_dataset_describe(dataset)->direct);
        check_rows(f, dataset, COLUMNS);
        flo_dataset_close(&dataset);
        write_virtual(f, "part.h5", first, ROWS, first + ROWS - 1);
        expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                            WORDS(f->path, "part.h5", "another size"));
    }
    write_virtual(f, "gone.h5", 0, ROWS, ROWS);
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                        WORDS(f->path, "'v'", "gone.h5", "cannot be opened"));
    write_virtual(f, "part.h5", 0, ROWS - 1, ROWS - 1);
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                        WORDS(f->path, "'v'", "21000", "21007"));
}

/* A source that HDF5 itself has open, through a virtual data set that was read, opens
   again; the other way round HDF5 would give fill values, so it is refused. */
static void a_virtual_source_can_be_read_beside(void **state)
{
    fixture *const f = *state;
    char part[SCRATCH_PATH];
    snprintf(part, sizeof part, "%s/part.h5", f->folder);
    write_virtual(f, "part.h5", 0, ROWS, ROWS);
    const scratch_layout chunked = {{100, COLUMNS}, 0, 0, 0};
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const hid_t file = scratch_file(part, 0);
    scratch_add(file, "x", H5T_IEEE_F64LE, 2, shape, &chunked, H5T_NATIVE_DOUBLE,
                f->values);
    H5Fclose(file);
    flo_dataset *whole, *again, *source;
    assert_int_equal(flo_dataset_open(f->context, f->path, "v", &whole), FLO_OK);
    check_rows(f, whole, COLUMNS);
    assert_int_equal(flo_dataset_open(f->context, f->path, "v", &again), FLO_OK);
    assert_int_equal(flo_dataset_open(f->context, part, "x", &source), FLO_OK);
    check_rows(f, source, COLUMNS);
    check_rows(f, again, COLUMNS);
    flo_dataset_close(&whole);
    flo_dataset_close(&again);
    const flo_status status = flo_dataset_open(f->context, f->path, "v", &whole);
    if (status == FLO_OK) /* an HDF5 that opens sources as we do */
        check_rows(f, whole, COLUMNS);
    else
        expect_failure(f, status, FLO_ERROR_DATA, WORDS("part.h5", "by itself"));
    flo_dataset_close(&whole);
    flo_dataset_close(&source);
}

/* Sources part-0.h5, part-1.h5 .. as many as there are: how many is nobody's promise.
 */
static void virtual_sources_that_grow_are_refused(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {0, 3}, most[2] = {H5S_UNLIMITED, 3}, one[2] = {1, 3};
    const hsize_t start[2] = {0, 0}, stride[2] = {1, 3}, count[2] = {H5S_UNLIMITED, 1};
    const hid_t space = H5Screate_simple(2, shape, most);
    const hid_t part = H5Screate_simple(2, one, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, stride, count, one);
    H5Pset_virtual(creation, space, "part-%b.h5", "x", part);
    H5Dclose(H5Dcreate2(file, "v", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation,
                        H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(part);
    H5Sclose(space);
    H5Fclose(file);
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA, WORDS("'v'", "may grow"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(virtual_sources_must_be_there),
        FIXTURE_TEST(a_virtual_source_can_be_read_beside),
        FIXTURE_TEST(virtual_sources_that_grow_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
