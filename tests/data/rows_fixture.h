/* For tests of rows: a file of data sets, splits of it, and what must go wrong. */
#ifndef FLO_TESTS_DATA_ROWS_FIXTURE_H
#define FLO_TESTS_DATA_ROWS_FIXTURE_H

#include "data/example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { N = 9001, D = 5 };

static inline int set_up(void **state)
{
    example_set_up(state);
    const example *const e = *state;
    example_add(e, "train", N, D);
    example_add(e, "train_context", N, 2);
    example_add(e, "train_weights", N, 0);
    example_add(e, "other", 100, D);
    example_add(e, "other_context", 100, 2);
    example_add(e, "empty", 0, D);
    return 0;
}

static inline flo_rows *open_split(example *e, const char *yaml, uint64_t seed,
                                   flo_split split)
{
    const flo_data_settings settings = example_settings(e, yaml);
    flo_rows *rows;
    if (flo_rows_open(e->context, &settings, seed, split, &rows) != FLO_OK)
        fail_msg("%s", flo_context_message(e->context));
    return rows;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void expect_words(example *e, flo_status found, flo_status wanted,
                                const char *const *words)
{
    const char *const message = flo_context_message(e->context);
    if (found != wanted)
        fail_msg("status %d, wanted %d: %s", found, wanted, message);
    for (; *words; ++words)
        if (!strstr(message, *words))
            fail_msg("'%s' does not say '%s'", message, *words);
}

static inline void expect_open_failure(example *e, const char *yaml, flo_split split,
                                       flo_status wanted, const char *const *words)
{
    const flo_data_settings settings = example_settings(e, yaml);
    flo_rows *rows;
    const flo_status status = flo_rows_open(e->context, &settings, 1, split, &rows);
    assert_null(rows);
    expect_words(e, status, wanted, words);
}

/* The stored row that value `x` of column `column` comes from. */
static inline int64_t stored_row(flo_real x, int64_t column)
{
    return (int64_t)((double)x - (double)(column + 1) / 16);
}

/* The stored rows of a split, read whole; to be freed. */
static inline int64_t *list_rows(flo_rows *rows)
{
    const int64_t count = flo_rows_count(rows), features = flo_rows_features(rows);
    int64_t *const stored = malloc((size_t)count * sizeof *stored);
    flo_batch batch = example_batch(count, features, 0);
    assert_int_equal(flo_rows_read(rows, 0, count, &batch, NULL), FLO_OK);
    for (int64_t i = 0; i < count; ++i)
        stored[i] = stored_row(batch.x[i * features], 0);
    example_free(&batch);
    return stored;
}

#define ROWS_TEST(function)                                                            \
    cmocka_unit_test_setup_teardown(function, set_up, example_tear_down)

#endif
