/* For tests of data sets: a file, the values to put into it, and what must go wrong. */
#ifndef FLO_TESTS_HDF5_DATASET_FIXTURE_H
#define FLO_TESTS_HDF5_DATASET_FIXTURE_H

#include "hdf5/dataset.h"

#include "hdf5/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { VALUE_ROWS = 3001, VALUE_COLUMNS = 7 };

typedef struct fixture {
    flo_context *context;
    char folder[SCRATCH_BYTES], path[SCRATCH_PATH];
    double values[VALUE_ROWS * VALUE_COLUMNS];
} fixture;

static inline int set_up(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    assert_int_equal(flo_context_create(&f->context), FLO_OK);
    scratch_create(f->folder);
    snprintf(f->path, sizeof f->path, "%s/data.h5", f->folder);
    for (int i = 0; i < VALUE_ROWS * VALUE_COLUMNS; ++i)
        f->values[i] = i * 37 % 101; /* fits every type */
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *const f = *state;
    const int64_t leaks = flo_context_destroy(&f->context);
    scratch_remove(f->folder);
    free(f);
    assert_int_equal(leaks, 0);
    return 0;
}

/* A failure must have this status and these words in its message. */
static inline void expect_failure(const fixture *f, flo_status found, flo_status wanted,
                                  const char *const *words)
{
    if (found != wanted)
        fail_msg("status %d (%s), wanted %d", found, flo_context_message(f->context),
                 wanted);
    for (; *words; ++words)
        if (!strstr(flo_context_message(f->context), *words))
            fail_msg("'%s' does not say '%s'", flo_context_message(f->context), *words);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void expect_open_failure(fixture *f, const char *path, const char *name,
                                       flo_status wanted, const char *const *words)
{
    flo_dataset *dataset;
    const flo_status status = flo_dataset_open(f->context, path, name, &dataset);
    assert_null(dataset);
    expect_failure(f, status, wanted, words);
}

/* Ranges of rows, with and without room between rows, against the values written. */
static inline void check_rows(fixture *f, flo_dataset *dataset, int64_t columns)
{
    static const int64_t ranges[][2] = {{0, VALUE_ROWS}, {0, 1},    {VALUE_ROWS - 1, 1},
                                        {17, 1500},      {1234, 0}, {1, 2}};
    const int64_t stride = columns + 3;
    flo_real *const out = malloc((size_t)(VALUE_ROWS * stride) * sizeof *out);
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; ++r)
        for (int64_t s = columns; s <= stride; s += 3) {
            const int64_t first = ranges[r][0], count = ranges[r][1];
            for (int64_t i = 0; i < VALUE_ROWS * stride; ++i)
                out[i] = -7;
            assert_int_equal(flo_dataset_read(dataset, first, count, s, out), FLO_OK);
            for (int64_t i = 0; i < count; ++i)
                for (int64_t j = 0; j < s; ++j) {
                    const double wanted =
                        j < columns ? f->values[(first + i) * columns + j] : -7;
                    if ((double)out[i * s + j] != wanted)
                        fail_msg("row %lld column %lld: %g, wanted %g",
                                 (long long)(first + i), (long long)j,
                                 (double)out[i * s + j], wanted);
                }
            assert_true(count == VALUE_ROWS || out[count * s] == -7);
        }
    free(out);
}

#define FIXTURE_TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
