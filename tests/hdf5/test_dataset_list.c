/* What a file holds, visited and listed. */
#include "hdf5/dataset_fixture.h"

typedef struct names {
    char text[400];
} names;

static void note_name(const char *name, const flo_dataset_info *info, void *argument)
{
    names *const seen = argument;
    const size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%s:%s:%d ", name, info->type,
             info->rank);
}

static void numeric_datasets_are_visited_by_name(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {3, 4};
    scratch_add(file, "train", H5T_IEEE_F32LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "a/inner", H5T_STD_U8LE, 1, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "scalar", H5T_STD_U8LE, 0, NULL, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    scratch_add(file, "b", H5T_IEEE_F64BE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                f->values);
    H5Fclose(file);
    names seen = {""};
    assert_int_equal(flo_dataset_each(f->context, f->path, note_name, &seen), FLO_OK);
    assert_string_equal(seen.text, "a/inner:uint8:1 b:>f8:2 train:float32:2 ");
}

/* Many names do not overflow the message. */
static void a_long_list_is_cut(void **state)
{
    fixture *const f = *state;
    const hid_t file = scratch_file(f->path, 0);
    const hsize_t shape[2] = {3, 4};
    for (int i = 0; i < 300; ++i) {
        char name[64];
        snprintf(name, sizeof name, "a_rather_long_name_of_a_data_set_%03d", i);
        scratch_add(file, name, H5T_STD_U8LE, 2, shape, NULL, H5T_NATIVE_DOUBLE,
                    f->values);
    }
    H5Fclose(file);
    expect_open_failure(f, f->path, "x", FLO_ERROR_DATA,
                        WORDS("data_set_000", " more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(numeric_datasets_are_visited_by_name),
        FIXTURE_TEST(a_long_list_is_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
