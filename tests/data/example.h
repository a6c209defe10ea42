/* For tests: a data file whose every value tells its row and column, and settings. */
#ifndef FLO_TESTS_DATA_EXAMPLE_H
#define FLO_TESTS_DATA_EXAMPLE_H

#include "data/rows.h"

#include "core/arena.h"
#include "hdf5/scratch.h"

typedef struct example {
    flo_context *context;
    flo_arena *arena;
    char folder[SCRATCH_BYTES], path[SCRATCH_PATH];
} example;

static inline void example_create(example *e)
{
    if (flo_context_create(&e->context) != FLO_OK ||
        flo_arena_create(e->context, &e->arena) != FLO_OK)
        abort();
    scratch_create(e->folder);
    snprintf(e->path, sizeof e->path, "%s/data.h5", e->folder);
}

/* Returns the number of leaks. */
static inline int64_t example_destroy(example *e)
{
    scratch_remove(e->folder);
    flo_arena_destroy(&e->arena);
    return flo_context_destroy(&e->context);
}

/* For a group of tests: state is an example; what it leaks fails. */
static inline int example_set_up(void **state)
{
    example *const e = malloc(sizeof *e);
    example_create(e);
    *state = e;
    return 0;
}

static inline int example_tear_down(void **state)
{
    example *const e = *state;
    const int64_t leaks = example_destroy(e);
    free(e);
    return leaks ? -1 : 0;
}

/* Exact in float for rows below 2^20. */
static inline double example_value(int64_t row, int64_t column)
{
    return (double)row + (double)(column + 1) / 16;
}

/* Values [rows, columns], to be freed. */
static inline double *example_values(int64_t rows, int64_t columns)
{
    double *const values = malloc((size_t)(rows * columns + 1) * sizeof *values);
    for (int64_t i = 0; i < rows * columns; ++i)
        values[i] = example_value(i / columns, i % columns);
    return values;
}

/* Adds such a data set to the file, contiguous float; columns 0: of rank 1. */
static inline void example_add(const example *e, const char *name, int64_t rows,
                               int64_t columns)
{
    double *const values = example_values(rows, columns ? columns : 1);
    scratch_matrix(e->path, name, H5T_IEEE_F32LE, rows, columns, values);
    free(values);
}

/* Overwrites one value of a data set. */
static inline void example_poke(const example *e, const char *name, int64_t row,
                                int64_t column, double value)
{
    const hid_t file = H5Fopen(e->path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    const hid_t space = H5Dget_space(dataset), one = H5Screate(H5S_SCALAR);
    const hsize_t at[2] = {(hsize_t)row, (hsize_t)column};
    H5Sselect_elements(space, H5S_SELECT_SET, 1, at);
    if (H5Dwrite(dataset, H5T_NATIVE_DOUBLE, one, space, H5P_DEFAULT, &value) < 0)
        abort();
    H5Sclose(one);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}

/* Settings from the lines of section `data` besides `files`, as flow YAML: "train: x,
   validation: 0.1". */
static inline flo_data_settings example_settings(example *e, const char *yaml)
{
    flo_data_settings settings;
    char *text;
    flo_node *root;
    if (flo_arena_print(e->arena, &text, "data: {files: %s, %s}", e->path, yaml) !=
            FLO_OK ||
        flo_yaml_parse(e->arena, "test.yaml", text, strlen(text), &root) != FLO_OK ||
        flo_settings_read(e->arena, root, flo_node_find(root, "data"),
                          &flo_data_settings_table, &settings) != FLO_OK) {
        fprintf(stderr, "%s\n", flo_context_message(e->context));
        abort();
    }
    return settings;
}

/* Room for rows, to be freed by example_free. */
static inline flo_batch example_batch(int64_t rows, int64_t features, int64_t contexts)
{
    flo_batch batch = {0};
    batch.x = calloc((size_t)(rows * features + 1), sizeof *batch.x);
    batch.context = calloc((size_t)(rows * contexts + 1), sizeof *batch.context);
    batch.weight = calloc((size_t)(rows + 1), sizeof *batch.weight);
    return batch;
}

static inline void example_free(flo_batch *batch)
{
    free(batch->x);
    free(batch->context);
    free(batch->weight);
}

#endif
