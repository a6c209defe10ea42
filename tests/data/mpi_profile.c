/* A profile: right for awkward columns, and the same bits on any number of ranks. */
#include "data/profile.h"

#include "comm/comm_private.h"
#include "data/example.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum {
    N = 7013, /* rows, in three files */
    SHARDS = 3
};

enum column {
    EVEN,      /* 0 to 1 */
    OFFSET,    /* 1e12 and a little: float would hold one number */
    CONSTANT,  /* 0.1 */
    EMPTY,     /* NaN */
    GAPS,      /* NaN, infinities, zeros */
    LEVELS,    /* 999 levels, not whole */
    MOST,      /* FLO_LEVELS_MOST levels, each rank sees other ones */
    ONE_MORE,  /* one level more */
    COUNTS,    /* all whole, more than can be counted */
    LATE_HALF, /* whole but for one row near the end */
    HEAVY,     /* exp(9 u) */
    FAR,       /* all small but one */
    SIGNS,     /* -0 and +0 and 1 */
    SORTED,    /* far from its shift for most rows */
    COLUMNS
};

typedef struct world {
    example e;
    flo_comm *comm;
    double *values[2]; /* [N, COLUMNS] each: data sets "x" and "solid" */
} world;

/* `solid`: gaps are rare, so that most rows have none. */
static double value(int64_t i, int column, bool solid)
{
    const double u = fmod((double)(i + 1) * 0.6180339887498949, 1);
    switch (column) {
    case EVEN:
        return u;
    case OFFSET:
        return 1e12 + (double)(i % 4);
    case CONSTANT:
        return 0.1;
    case EMPTY:
        return solid ? u : NAN;
    case GAPS:
        if (solid)
            return i % 97 == 0 ? NAN : i % 89 == 0 ? INFINITY : i % 5 == 0 ? 0 : u;
        return i % 7 == 0 ? NAN : i % 11 == 0 ? -INFINITY : i % 5 == 0 ? 0 : u;
    case LEVELS:
        return (double)(i % 999) / 8;
    case MOST:
        return (double)(i < FLO_LEVELS_MOST ? i : N - 1 - i < 400 ? N - 1 - i : 3) / 2;
    case ONE_MORE:
        return (double)(i <= FLO_LEVELS_MOST / 2       ? i
                        : i >= N - FLO_LEVELS_MOST / 2 ? i - N
                                                       : 7) /
               2;
    case COUNTS:
        return (double)(i * 37 % 5003);
    case LATE_HALF:
        return i == N - 3 ? 2.5 : (double)(i % 3000);
    case HEAVY:
        return exp(9 * u);
    case FAR:
        return i == 4321 ? 500 : u;
    case SIGNS:
        return i % 3 == 0 ? -0.0 : i % 3 == 1 ? 0.0 : 1;
    default:
        return (double)i;
    }
}

static const char *const names[2] = {"x", "solid"};

/* Files a.h5, b.h5, c.h5 of unlike length, the second in compressed chunks. */
static void write_shards(const world *w)
{
    static const int64_t first[SHARDS + 1] = {0, 1009, 5000, N};
    for (int s = 0; s < SHARDS; ++s) {
        char path[SCRATCH_PATH];
        snprintf(path, sizeof path, "%s/%c.h5", w->e.folder, 'a' + s);
        const scratch_layout chunks = {.chunk = {100, 5}, .deflate = 1};
        const hsize_t shape[2] = {(hsize_t)(first[s + 1] - first[s]), COLUMNS};
        const hid_t file = scratch_file(path, 0);
        for (int v = 0; v < 2; ++v)
            scratch_add(file, names[v], H5T_IEEE_F64LE, 2, shape,
                        s == 1 ? &chunks : NULL, H5T_NATIVE_DOUBLE,
                        w->values[v] + first[s] * COLUMNS);
        H5Fclose(file);
    }
}

static int set_up(void **state)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    world *const w = calloc(1, sizeof *w);
    example_create(&w->e);
    assert_int_equal(flo_comm_start(w->e.context, NULL, NULL, &w->comm), FLO_OK);
    for (int v = 0; v < 2; ++v) {
        w->values[v] = malloc((size_t)N * COLUMNS * sizeof *w->values[v]);
        for (int64_t i = 0; i < N; ++i)
            for (int j = 0; j < COLUMNS; ++j)
                w->values[v][i * COLUMNS + j] = value(i, j, v == 1);
    }
    if (flo_comm_rank(w->comm) == 0)
        write_shards(w);
    char folder[SCRATCH_BYTES];
    memcpy(folder, w->e.folder, sizeof folder);
    flo_comm_broadcast(w->comm, folder, sizeof folder);
    snprintf(w->e.path, sizeof w->e.path, "%s/*.h5", folder);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *const w = *state;
    flo_comm_barrier(w->comm);
    flo_comm_finish(&w->comm);
    assert_int_equal(example_destroy(&w->e), 0);
    free(w->values[0]);
    free(w->values[1]);
    free(w);
    return 0;
}

static flo_source *open_source(world *w, const char *name)
{
    const char *path = w->e.path;
    flo_source *source;
    assert_int_equal(
        flo_source_open(w->e.context, &(const flo_texts){1, &path}, name, &source),
        FLO_OK);
    return source;
}

static void check_same_bits(const flo_profile *a, const flo_profile *b)
{
    assert_int_equal(a->columns, b->columns);
    assert_int_equal(a->rows, b->rows);
    for (int64_t j = 0; j < a->columns; ++j)
        assert_memory_equal(&a->column[j], &b->column[j], sizeof a->column[j]);
}

/* Over all ranks, and by this rank alone. */
static void collect_both(world *w, const char *name, flo_profile *found)
{
    flo_source *source = open_source(w, name);
    flo_comm alone = *w->comm;
    alone.has_mpi = alone.started_mpi = false;
    alone.rank = 0;
    alone.size = 1;
    flo_profile single;
    assert_int_equal(flo_profile_collect(w->comm, w->e.context, source, found), FLO_OK);
    assert_int_equal(flo_profile_collect(&alone, w->e.context, source, &single),
                     FLO_OK);
    check_same_bits(found, &single);
    assert_true(found->seconds >= found->read_seconds && found->read_seconds > 0);
    assert_true(found->block_rows > 0 && found->block_rows % 4 == 0);
    flo_profile_free(w->e.context, &single);
    flo_source_close(&source);
}

/* Two passes in long double. */
static void check_moments(const double *values, int column,
                          const flo_column_profile *found)
{
    long double n = 0, mean = 0, second = 0, fourth = 0;
    double low = INFINITY, high = -INFINITY;
    int64_t nan = 0, infinite = 0, zeros = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (int64_t i = 0; i < N; ++i) {
            const double x = values[i * COLUMNS + column];
            nan += pass && isnan(x);
            infinite += pass && isinf(x);
            if (!isfinite(x))
                continue;
            const long double d = pass ? x - mean / n : 0;
            n += !pass;
            mean += pass ? 0 : x;
            second += d * d;
            fourth += d * d * d * d;
            zeros += pass && x == 0;
            low = fmin(low, x);
            high = fmax(high, x);
        }
    assert_int_equal(found->finite, (int64_t)n);
    assert_int_equal(found->nan, nan);
    assert_int_equal(found->infinite, infinite);
    assert_int_equal(found->zeros, zeros);
    assert_true(found->low == low && found->high == high);
    mean /= n;
    const double deviation = (double)sqrtl(second / n);
    assert_true(fabs(found->mean - (double)mean) <= 1e-12 * (deviation + fabs(low)));
    assert_true(fabs(found->deviation - deviation) <=
                1e-9 * deviation + 1e-15 * fabs(low));
    const double kurtosis = (double)(fourth / n / (second / n * second / n)) - 3;
    if (column != CONSTANT)
        assert_true(fabs(found->kurtosis - kurtosis) <= 1e-6 * (1 + fabs(kurtosis)));
}

static void moments_and_counts_are_right(void **state)
{
    world *const w = *state;
    flo_profile found;
    collect_both(w, "x", &found);
    assert_int_equal(found.rows, N);
    assert_int_equal(found.columns, COLUMNS);
    for (int j = 0; j < COLUMNS; ++j)
        if (j != EMPTY)
            check_moments(w->values[0], j, &found.column[j]);
    const flo_column_profile *const empty = &found.column[EMPTY];
    assert_int_equal(empty->nan, N);
    assert_int_equal(empty->finite + empty->zeros + empty->infinite, 0);
    assert_true(isnan(empty->mean) && isnan(empty->low) && isnan(empty->deviation));
    const flo_column_profile *const constant = &found.column[CONSTANT];
    assert_true(constant->deviation == 0 && constant->mean == constant->low &&
                isnan(constant->kurtosis));
    flo_profile_free(w->e.context, &found);
    assert_null(found.column);
}

/* Where gaps are rare most rows are added another way. */
static void rare_gaps_are_right_too(void **state)
{
    world *const w = *state;
    flo_profile found;
    collect_both(w, "solid", &found);
    for (int j = 0; j < COLUMNS; ++j)
        check_moments(w->values[1], j, &found.column[j]);
    flo_profile_free(w->e.context, &found);
}

static void levels_are_those_of_all_ranks_together(void **state)
{
    static const struct {
        int levels, whole;
    } wanted[COLUMNS] = {[EVEN] = {FLO_LEVELS_MOST + 1, 0},
                         [OFFSET] = {4, 1},
                         [CONSTANT] = {1, 0},
                         [EMPTY] = {0, 1},
                         [GAPS] = {FLO_LEVELS_MOST + 1, 0},
                         [LEVELS] = {999, 0},
                         [MOST] = {FLO_LEVELS_MOST, 0},
                         [ONE_MORE] = {FLO_LEVELS_MOST + 1, 0},
                         [COUNTS] = {FLO_LEVELS_MOST + 1, 1},
                         [LATE_HALF] = {FLO_LEVELS_MOST + 1, 0},
                         [HEAVY] = {FLO_LEVELS_MOST + 1, 0},
                         [FAR] = {FLO_LEVELS_MOST + 1, 0},
                         [SIGNS] = {2, 1},
                         [SORTED] = {FLO_LEVELS_MOST + 1, 1}};
    world *const w = *state;
    flo_profile found;
    collect_both(w, "x", &found);
    for (int j = 0; j < COLUMNS; ++j) {
        assert_int_equal(found.column[j].levels, wanted[j].levels);
        assert_int_equal(found.column[j].whole, wanted[j].whole);
    }
    flo_profile_free(w->e.context, &found);
}

static void findings_follow(void **state)
{
    static const int wanted[COLUMNS] = {
        [OFFSET] = FLO_COLUMN_WHOLE | (sizeof(flo_real) == 4 ? FLO_COLUMN_ROUNDED : 0),
        [CONSTANT] = FLO_COLUMN_CONSTANT,
        [EMPTY] = FLO_COLUMN_EMPTY,
        [GAPS] = FLO_COLUMN_GAPS | FLO_COLUMN_REPEATED,
        [LEVELS] = FLO_COLUMN_LEVELS,
        [MOST] = FLO_COLUMN_LEVELS | FLO_COLUMN_REPEATED,
        [ONE_MORE] = FLO_COLUMN_REPEATED,
        [COUNTS] = FLO_COLUMN_WHOLE,
        [FAR] = FLO_COLUMN_HEAVY,
        [SIGNS] = FLO_COLUMN_WHOLE,
        [SORTED] = FLO_COLUMN_WHOLE};
    world *const w = *state;
    flo_profile found;
    collect_both(w, "x", &found);
    for (int j = 0; j < COLUMNS; ++j)
        assert_int_equal(flo_profile_findings(&found.column[j]), wanted[j]);
    flo_profile_free(w->e.context, &found);
}

/* One rank cannot read: all fail with its message. */
static void a_missing_shard_is_agreed_on(void **state)
{
    world *const w = *state;
    flo_source *source = open_source(w, "x");
    char path[SCRATCH_PATH];
    snprintf(path, sizeof path, "%.*s/c.h5", (int)strlen(w->e.path) - 5, w->e.path);
    flo_comm_barrier(w->comm);
    if (flo_comm_rank(w->comm) == 0)
        unlink(path);
    flo_comm_barrier(w->comm);
    flo_profile found;
    assert_int_equal(flo_profile_collect(w->comm, w->e.context, source, &found),
                     FLO_ERROR_FILE);
    assert_non_null(strstr(flo_context_message(w->e.context), "c.h5"));
    assert_null(found.column);
    flo_source_close(&source);
    flo_comm_barrier(w->comm);
    if (flo_comm_rank(w->comm) == 0)
        write_shards(w);
    flo_comm_barrier(w->comm);
}

static void a_rank_without_memory_is_agreed_on(void **state)
{
    world *const w = *state;
    flo_source *source = open_source(w, "x");
    flo_context *const context = w->e.context;
    const int last = flo_comm_size(w->comm) - 1;
    int64_t failures = 0;
    for (int64_t n = 1; n < 60; ++n) {
        context->fail_at =
            flo_comm_rank(w->comm) == last ? (int64_t)context->made + n : 0;
        flo_profile found;
        const flo_status status = flo_profile_collect(w->comm, context, source, &found);
        context->fail_at = 0;
        assert_true(flo_comm_same(w->comm, status));
        failures += status == FLO_ERROR_MEMORY;
        flo_profile_free(context, &found);
    }
    assert_true(failures > 12);
    flo_source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_and_counts_are_right),
        cmocka_unit_test(rare_gaps_are_right_too),
        cmocka_unit_test(levels_are_those_of_all_ranks_together),
        cmocka_unit_test(findings_follow),
        cmocka_unit_test(a_missing_shard_is_agreed_on),
        cmocka_unit_test(a_rank_without_memory_is_agreed_on)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
