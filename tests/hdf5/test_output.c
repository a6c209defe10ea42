/* Result files written in pieces: whole in place, or not there at all. */
#include "hdf5/output.h"

#include "hdf5/dataset.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "hdf5/scratch.h"

enum { ROWS = 1000, COLUMNS = 3 };

typedef struct fixture {
    flo_context *context;
    char folder[SCRATCH_BYTES], path[SCRATCH_PATH];
} fixture;

static int set_up(void **state)
{
    static fixture f;
    scratch_create(f.folder);
    snprintf(f.path, sizeof f.path, "%s/out.h5", f.folder);
    *state = &f;
    return flo_context_create(&f.context);
}

static int tear_down(void **state)
{
    fixture *const f = *state;
    scratch_remove(f->folder);
    assert_int_equal(flo_context_destroy(&f->context), 0);
    return 0;
}

static int files(const fixture *f)
{
    int count = 0;
    DIR *const folder = opendir(f->folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static flo_status create(fixture *f, bool force, flo_output **output)
{
    return flo_output_create(f->context, f->path, force, "a test", "rows",
                             FLO_ELEMENT_DOUBLE, ROWS, COLUMNS, output);
}

/* Rows [first, first + count), each element its number plus `shift`. */
static flo_status write_rows(flo_output *output, int64_t first, int64_t count,
                             double shift)
{
    double values[ROWS * COLUMNS];
    for (int64_t i = 0; i < count * COLUMNS; i++)
        values[i] = (double)(first * COLUMNS + i) + shift;
    return flo_output_write(output, first, count, values);
}

static void assert_holds(fixture *f, double shift)
{
    flo_dataset *data;
    flo_real values[ROWS * COLUMNS];
    assert_int_equal(flo_dataset_open(f->context, f->path, "rows", &data), FLO_OK);
    assert_int_equal(flo_dataset_describe(data)->rows, ROWS);
    assert_int_equal(flo_dataset_describe(data)->columns, COLUMNS);
    assert_int_equal(flo_dataset_read(data, 0, ROWS, COLUMNS, values), FLO_OK);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        assert_true(values[i] == (flo_real)(i + shift));
    flo_dataset_close(&data);
}

static void pieces_in_any_order_make_the_whole(void **state)
{
    fixture *const f = *state;
    flo_output *output;
    assert_int_equal(create(f, false, &output), FLO_OK);
    assert_int_equal(write_rows(output, 700, 300, 0), FLO_OK);
    assert_int_equal(write_rows(output, 0, 1, 0), FLO_OK);
    assert_int_equal(access(f->path, F_OK), -1); /* not before it is complete */
    assert_int_equal(write_rows(output, 1, 699, 0), FLO_OK);
    assert_int_equal(flo_output_close(&output), FLO_OK);
    assert_null(output);
    assert_holds(f, 0);
    assert_int_equal(files(f), 1);
}

static void a_file_is_replaced_by_force_only(void **state)
{
    fixture *const f = *state;
    flo_output *output;
    assert_int_equal(create(f, false, &output), FLO_OK);
    assert_int_equal(write_rows(output, 0, ROWS, 0), FLO_OK);
    assert_int_equal(flo_output_close(&output), FLO_OK);
    assert_int_equal(create(f, false, &output), FLO_ERROR_USAGE);
    assert_null(output);
    assert_non_null(strstr(flo_context_message(f->context), "--force"));
    assert_holds(f, 0);
    assert_int_equal(create(f, true, &output), FLO_OK);
    assert_int_equal(write_rows(output, 0, ROWS, 5), FLO_OK);
    assert_holds(f, 0);
    assert_int_equal(flo_output_close(&output), FLO_OK);
    assert_holds(f, 5);
}

static void what_is_given_up_leaves_nothing(void **state)
{
    fixture *const f = *state;
    flo_output *output;
    assert_int_equal(create(f, false, &output), FLO_OK);
    assert_int_equal(write_rows(output, 0, 10, 0), FLO_OK);
    flo_output_abandon(&output);
    assert_null(output);
    assert_int_equal(files(f), 0);
    flo_output_abandon(&output);
}

/* As on a full disk: the write itself says so. */
static void a_short_write_is_an_error(void **state)
{
    fixture *const f = *state;
    flo_output *output;
    struct rlimit before, small;
    assert_int_equal(create(f, false, &output), FLO_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 8192;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const flo_status status = write_rows(output, 0, ROWS, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, FLO_ERROR_FILE);
    assert_non_null(strstr(flo_context_message(f->context), "File too large"));
    flo_output_abandon(&output);
    assert_int_equal(files(f), 0);
}

static void a_missing_folder_is_named(void **state)
{
    fixture *const f = *state;
    flo_output *output;
    snprintf(f->path, sizeof f->path, "%s/none/out.h5", f->folder);
    assert_int_equal(create(f, false, &output), FLO_ERROR_FILE);
    assert_null(output);
    assert_non_null(strstr(flo_context_message(f->context), "none/out.h5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_in_any_order_make_the_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_replaced_by_force_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_given_up_leaves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_short_write_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_folder_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
