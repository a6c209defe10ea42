/* The chunk cache has room for a chunk, and keeps to its size, also where chunks are
   never read whole. */
#include "hdf5/dataset.h"

#include "hdf5/scratch.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { CHUNKS = 64, CHUNK_ROWS = 4096, COLUMNS = 32, ROWS = CHUNKS * CHUNK_ROWS };

static void write_rows(const char *path)
{
    float *const values = malloc(sizeof(float) * ROWS * COLUMNS);
    for (int64_t i = 0; i < (int64_t)ROWS * COLUMNS; ++i)
        values[i] = (float)(i % 1021);
    const hid_t file = scratch_file(path, 0);
    const hsize_t shape[2] = {ROWS, COLUMNS};
    const scratch_layout layout = {.chunk = {CHUNK_ROWS, COLUMNS}, .deflate = 1};
    scratch_add(file, "x", H5T_IEEE_F32LE, 2, shape, &layout, H5T_NATIVE_FLOAT, values);
    H5Fclose(file);
    free(values);
}

static size_t allocated(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* 64 chunks of 512 KiB, of each but its last row. */
static void parts_of_chunks_do_not_pile_up(void **state)
{
    (void)state;
    char folder[SCRATCH_BYTES], path[SCRATCH_PATH];
    scratch_create(folder);
    snprintf(path, sizeof path, "%s/data.h5", folder);
    write_rows(path);
    flo_context *context;
    flo_dataset *dataset;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    assert_int_equal(flo_dataset_open(context, path, "x", &dataset), FLO_OK);
    flo_real *const out = malloc(sizeof *out * CHUNK_ROWS * COLUMNS);
    const size_t before = allocated();
    for (int64_t c = 0; c < CHUNKS; ++c) {
        assert_int_equal(
            flo_dataset_read(dataset, c * CHUNK_ROWS, CHUNK_ROWS - 1, COLUMNS, out),
            FLO_OK);
        const int64_t last = (c + 1) * CHUNK_ROWS * COLUMNS - COLUMNS - 1;
        assert_true(out[(CHUNK_ROWS - 1) * COLUMNS - 1] == (flo_real)(last % 1021));
    }
    const size_t bytes = (size_t)flo_dataset_bytes(dataset);
    assert_in_range(bytes, 1 << 19, 1 << 22);
    /* Decoding has buffers of its own, of a chunk each. */
    assert_in_range(allocated() - before, 0, bytes + (1 << 22));
    free(out);
    flo_dataset_close(&dataset);
    scratch_remove(folder);
    assert_int_equal(flo_context_destroy(&context), 0);
}

/* Another chunk than HDF5's own cache of 1 MiB has room for. Behind its back the file
   is cut off: it could not be decoded again. */
static void a_large_chunk_is_decoded_once(void **state)
{
    (void)state;
    enum { LARGE_ROWS = 20000 };
    char folder[SCRATCH_BYTES], path[SCRATCH_PATH];
    scratch_create(folder);
    snprintf(path, sizeof path, "%s/data.h5", folder);
    float *const values = calloc(LARGE_ROWS * COLUMNS, sizeof *values);
    for (int i = 0; i < LARGE_ROWS; ++i)
        values[i * COLUMNS] = (float)i;
    const hid_t file = scratch_file(path, 0);
    const hsize_t shape[2] = {LARGE_ROWS, COLUMNS};
    const scratch_layout layout = {.chunk = {LARGE_ROWS, COLUMNS}, .deflate = 1};
    scratch_add(file, "x", H5T_IEEE_F32LE, 2, shape, &layout, H5T_NATIVE_FLOAT, values);
    H5Fclose(file);
    free(values);
    flo_context *context;
    flo_dataset *dataset[2];
    assert_int_equal(flo_context_create(&context), FLO_OK);
    for (int i = 0; i < 2; ++i)
        assert_int_equal(flo_dataset_open(context, path, "x", &dataset[i]), FLO_OK);
    flo_real row[COLUMNS];
    for (int i = 0; i < 100; ++i) {
        assert_int_equal(flo_dataset_read(dataset[i % 2], i * 199, 1, COLUMNS, row),
                         FLO_OK);
        assert_true(row[0] == (flo_real)(i * 199));
        assert_int_equal(truncate(path, 4096), 0);
    }
    flo_dataset_close(&dataset[0]);
    flo_dataset_close(&dataset[1]);
    scratch_remove(folder);
    assert_int_equal(flo_context_destroy(&context), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_of_chunks_do_not_pile_up),
                                       cmocka_unit_test(a_large_chunk_is_decoded_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
