/* Whatever leads to a data set, and however it lies, its rows are what H5Dread gives.
 */
#include "hdf5/dataset_fixture.h"

#include <sys/stat.h>

enum { ROWS = 50, COLUMNS = 3, CELLS = ROWS * COLUMNS };

static const char *in(const fixture *f, const char *name)
{
    static char path[4][SCRATCH_PATH];
    static int turn;
    char *const here = path[turn++ % 4];
    snprintf(here, SCRATCH_PATH, "%s/%s", f->folder, name);
    return here;
}

/* The values as HDF5 gives them: through the names of a file, by a driver's list. */
static bool read_library(const char *path, hid_t access, const char *name,
                         flo_real *out)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    const hid_t dataset = file < 0 ? -1 : H5Dopen2(file, name, H5P_DEFAULT);
    const hid_t real = sizeof(flo_real) == 8 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
    const bool good =
        dataset >= 0 && H5Dread(dataset, real, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0;
    if (dataset >= 0)
        H5Dclose(dataset);
    if (file >= 0)
        H5Fclose(file);
    return good;
}

/* direct: 1 it must be read by pread, 0 it must not. */
static void expect_same(fixture *f, const char *path, const char *name, int direct)
{
    flo_real wanted[CELLS], found[CELLS];
    flo_dataset *dataset;
    assert_true(read_library(path, H5P_DEFAULT, name, wanted));
    if (flo_dataset_open(f->context, path, name, &dataset) != FLO_OK)
        fail_msg("%s:%s: %s", path, name, flo_context_message(f->context));
    assert_int_equal(flo_dataset_read(dataset, 0, ROWS, COLUMNS, found), FLO_OK);
    if (flo_dataset_describe(dataset)->direct != direct)
        fail_msg("%s:%s is %s", path, name, direct ? "not direct" : "direct");
    flo_dataset_close(&dataset);
    for (int i = 0; i < CELLS; ++i)
        if (!(found[i] == wanted[i]))
            fail_msg("%s:%s, element %d: %g, wanted %g", path, name, i,
                     (double)found[i], (double)wanted[i]);
}

/* A file with data set /g/x behind as many bytes as any other of its kind. */
static void write_part(const char *path, hid_t type, const scratch_layout *layout,
                       const double *values)
{
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const hid_t file = scratch_file(path, layout->user_block);
    scratch_add(file, "g/x", type, 2, shape, layout, H5T_NATIVE_DOUBLE, values);
    H5Lcreate_soft("/g/x", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "/g/x", file, "hard", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("master.h5", "/own/x", file, "back", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
}

/* Other numbers of the same shape, and all links that lead to part.h5. */
static void write_master(const fixture *f, hid_t type, const scratch_layout *layout)
{
    const hsize_t shape[2] = {ROWS, COLUMNS};
    double other[CELLS];
    for (int i = 0; i < CELLS; ++i)
        other[i] = 100 - i * 17 % 89;
    const hid_t file = scratch_file(in(f, "master.h5"), layout->user_block);
    scratch_add(file, "own/x", type, 2, shape, layout, H5T_NATIVE_DOUBLE, other);
    static const char *const links[][3] = {{"part.h5", "/g/x", "far"},
                                           {"part.h5", "/soft", "far_soft"},
                                           {"part.h5", "/g", "far_group"},
                                           {"part.h5", "/back", "there_and_back"},
                                           {"master.h5", "/own/x", "itself"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; ++i)
        H5Lcreate_external(links[i][0], links[i][1], file, links[i][2], H5P_DEFAULT,
                           H5P_DEFAULT);
    H5Lcreate_soft("/far", file, "soft_far", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/far_group", file, "soft_group", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/own/x", file, "soft_own", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
}

static const struct {
    const char *file, *name;
    bool home; /* it lies in the file that is opened */
} ways[] = {{"master.h5", "own/x", true},
            {"master.h5", "soft_own", true},
            {"master.h5", "itself", true},
            {"master.h5", "there_and_back", true},
            {"master.h5", "far", false},
            {"master.h5", "far_soft", false},
            {"master.h5", "soft_far", false},
            {"master.h5", "far_group/x", false},
            {"master.h5", "soft_group/x", false},
            {"alias.h5", "far", false},
            {"alias.h5", "own/x", true},
            {"part.h5", "g/x", true},
            {"part.h5", "hard", true},
            {"part.h5", "soft", true},
            {"part.h5", "back", false}};

static hid_t half_precision(void)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32BE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_precision(type, 16);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

static void every_way_gives_what_the_library_gives(void **state)
{
    fixture *const f = *state;
    const hid_t half = half_precision();
    const hid_t types[] = {H5T_IEEE_F32LE,
                           H5T_IEEE_F32BE,
                           H5T_IEEE_F64LE,
                           H5T_IEEE_F64BE,
                           H5T_STD_I8LE,
                           H5T_STD_U8LE,
                           H5T_STD_I16BE,
                           H5T_STD_U16LE,
                           H5T_STD_I32LE,
                           H5T_STD_U32BE,
                           H5T_STD_I64BE,
                           H5T_STD_U64LE,
                           half};
    static const scratch_layout layouts[] = {{{0}, 0, 0, 0},
                                             {{0}, 0, 0, 1024},
                                             {{16, 2}, 0, 0, 0},
                                             {{50, 3}, 3, 0, 512},
                                             {{0}, 0, 1, 0}};
    assert_int_equal(symlink("master.h5", in(f, "alias.h5")), 0);
    for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
        for (size_t l = 0; l < sizeof layouts / sizeof *layouts; ++l) {
            write_part(in(f, "part.h5"), types[t], &layouts[l], f->values);
            write_master(f, types[t], &layouts[l]);
            for (size_t w = 0; w < sizeof ways / sizeof *ways; ++w)
                expect_same(f, in(f, ways[w].file), ways[w].name,
                            ways[w].home && l < 2);
        }
    H5Tclose(half);
}

/* Files of which one data set is many: what opens gives the numbers, or is refused. */
static void files_in_pieces_are_refused_or_right(void **state)
{
    fixture *const f = *state;
    const hsize_t shape[2] = {ROWS, COLUMNS};
    static const char *const opened[] = {"family00000.h5", "split-m.h5"};
    const char *const made[] = {in(f, "family%05d.h5"), in(f, "split")};
    hid_t drivers[2] = {H5Pcreate(H5P_FILE_ACCESS), H5Pcreate(H5P_FILE_ACCESS)};
    H5Pset_fapl_family(drivers[0], 1 << 20, H5P_DEFAULT);
    H5Pset_fapl_split(drivers[1], "-m.h5", H5P_DEFAULT, "-r.h5", H5P_DEFAULT);
    for (int i = 0; i < 2; ++i) {
        flo_real wanted[CELLS], found[CELLS];
        flo_dataset *dataset;
        const hid_t file = H5Fcreate(made[i], H5F_ACC_TRUNC, H5P_DEFAULT, drivers[i]);
        scratch_add(file, "x", H5T_IEEE_F32LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                    f->values);
        H5Fclose(file);
        assert_true(read_library(made[i], drivers[i], "x", wanted));
        if (flo_dataset_open(f->context, in(f, opened[i]), "x", &dataset) == FLO_OK) {
            assert_int_equal(flo_dataset_read(dataset, 0, ROWS, COLUMNS, found),
                             FLO_OK);
            assert_memory_equal(found, wanted, sizeof found);
            flo_dataset_close(&dataset);
        }
        H5Pclose(drivers[i]);
    }
}

/* A virtual data set behind a link finds its sources beside itself, and they may lie
   behind links in turn. */
static void virtual_sources_are_found_beside_their_file(void **state)
{
    fixture *const f = *state;
    const scratch_layout plain = {{0}, 0, 0, 0};
    char folder[SCRATCH_PATH];
    snprintf(folder, sizeof folder, "%s", in(f, "far"));
    assert_int_equal(mkdir(folder, 0700), 0);
    write_part(in(f, "far/part.h5"), H5T_IEEE_F32LE, &plain, f->values);
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const hid_t space = H5Screate_simple(2, shape, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(creation, space, "part.h5", "/soft", space);
    hid_t file = scratch_file(in(f, "far/virtual.h5"), 0);
    H5Dclose(H5Dcreate2(file, "v", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation,
                        H5P_DEFAULT));
    H5Fclose(file);
    file = scratch_file(f->path, 0);
    H5Lcreate_external("far/virtual.h5", "/v", file, "v", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    expect_same(f, f->path, "v", 0);
    /* A source that was never written would read as fill values. */
    write_part(in(f, "far/part.h5"), H5T_IEEE_F32LE, &plain, NULL);
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                        WORDS("'v'", "part.h5", "never written"));
    unlink(in(f, "far/part.h5"));
    expect_open_failure(f, f->path, "v", FLO_ERROR_DATA,
                        WORDS("'v'", "part.h5", "cannot be opened"));
    unlink(in(f, "far/virtual.h5"));
    rmdir(folder);
    H5Pclose(creation);
    H5Sclose(space);
}

/* Raw data in other files: HDF5 gives zeros for what they lack. */
static void external_raw_data_must_be_there(void **state)
{
    fixture *const f = *state;
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const hid_t space = H5Screate_simple(2, shape, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const off_t bytes = CELLS * 4;
    H5Pset_external(creation, in(f, "raw.bin"), 0, (hsize_t)bytes);
    const hid_t file = scratch_file(f->path, 0);
    const hid_t dataset = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT,
                                     creation, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                         f->values) >= 0);
    H5Dclose(dataset);
    H5Fclose(file);
    H5Pclose(creation);
    H5Sclose(space);
    expect_same(f, f->path, "x", 0);
    assert_int_equal(truncate(in(f, "raw.bin"), bytes - 4), 0);
    expect_open_failure(f, f->path, "x", FLO_ERROR_DATA,
                        WORDS("'x'", "raw.bin", "too short"));
    unlink(in(f, "raw.bin"));
    expect_open_failure(f, f->path, "x", FLO_ERROR_DATA,
                        WORDS("raw.bin", "not there", "HDF5_EXTFILE_PREFIX"));
}

static void a_link_to_nowhere_is_named(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    H5Lcreate_external("gone.h5", "/x", file, "far", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nothing", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    expect_open_failure(f, f->path, "far", FLO_ERROR_DATA,
                        WORDS("'far'", "'/x'", "gone.h5"));
    expect_open_failure(f, f->path, "far/deeper", FLO_ERROR_DATA, WORDS("gone.h5"));
    expect_open_failure(f, f->path, "soft", FLO_ERROR_DATA, WORDS("'/nothing'"));
}

static void note_name(const char *name, const flo_dataset_info *info, void *argument)
{
    char *const text = argument;
    const size_t used = strlen(text);
    snprintf(text + used, 400 - used, "%s%s ", name, info->again ? "*" : "");
}

/* Each name that can be read; * where the object has another one. */
static void links_are_listed(void **state)
{
    fixture *const f = *state;
    const scratch_layout plain = {{0}, 0, 0, 0};
    char text[400] = "";
    write_part(in(f, "part.h5"), H5T_IEEE_F32LE, &plain, f->values);
    write_master(f, H5T_IEEE_F32LE, &plain);
    assert_int_equal(flo_dataset_each(f->context, in(f, "master.h5"), note_name, text),
                     FLO_OK);
    assert_string_equal(text, "own/x far far_soft* itself* soft_far* "
                              "soft_own* there_and_back* ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_way_gives_what_the_library_gives),
        FIXTURE_TEST(files_in_pieces_are_refused_or_right),
        FIXTURE_TEST(virtual_sources_are_found_beside_their_file),
        FIXTURE_TEST(external_raw_data_must_be_there),
        FIXTURE_TEST(a_link_to_nowhere_is_named),
        FIXTURE_TEST(links_are_listed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
