/* Statistics: right, and the same bits on any number of ranks as on one. */
#include "data/statistics.h"

#include "comm/comm_private.h"
#include "data/example.h"
#include "data/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { N = 5003, D = 4, C = 2, COLUMNS = D + C };

typedef struct world {
    example e;
    flo_comm *comm;
    double *values;  /* [N, D + C + 1]: what the file holds, the last the weights */
    int64_t refused; /* the row that `change` refuses */
} world;

/* Awkward columns: near 0, a large offset, tiny, constant; context: skewed, sorted. */
static double value(int64_t i, int column)
{
    const double u = fmod((double)(i + 1) * 0.6180339887498949, 1);
    switch (column) {
    case 0:
        return u - 0.5;
    case 1:
        return 1e6 + (i % 2 ? 1 : -1) + u / 2;
    case 2:
        return 1e-12 * u;
    case 3:
        return 42;
    case 4:
        return exp(5 * u);
    case 5:
        return (double)i;
    default:
        return i % 5 == 0 ? 0 : 1 + (double)(i % 3);
    }
}

static void poke(world *w, int64_t row, int column, double to)
{
    flo_comm_barrier(w->comm);
    w->values[row * (COLUMNS + 1) + column] = to;
    if (flo_comm_rank(w->comm) == 0)
        example_poke(&w->e, "train", row, column, to);
    flo_comm_barrier(w->comm);
}

static int set_up(void **state)
{
    /* A failing rank ends the job by abort: the others wait in the next collective. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    world *const w = calloc(1, sizeof *w);
    example_create(&w->e);
    assert_int_equal(flo_comm_start(w->e.context, NULL, NULL, &w->comm), FLO_OK);
    w->values = malloc((size_t)N * (COLUMNS + 1) * sizeof *w->values);
    for (int64_t i = 0; i < N; ++i)
        for (int j = 0; j <= COLUMNS; ++j)
            w->values[i * (COLUMNS + 1) + j] = value(i, j);
    if (flo_comm_rank(w->comm) == 0)
        scratch_matrix(w->e.path, "train", H5T_IEEE_F64LE, N, COLUMNS + 1, w->values);
    flo_comm_broadcast(w->comm, w->e.path, sizeof w->e.path);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *const w = *state;
    flo_comm_barrier(w->comm);
    flo_comm_finish(&w->comm);
    assert_int_equal(example_destroy(&w->e), 0);
    free(w->values);
    free(w);
    return 0;
}

static flo_rows *open_rows(world *w, const char *more)
{
    char yaml[100];
    snprintf(yaml, sizeof yaml, "context: [4, 5]%s", more);
    const flo_data_settings settings = example_settings(&w->e, yaml);
    flo_rows *rows;
    assert_int_equal(flo_rows_open(w->e.context, &settings, 1, FLO_TRAIN, &rows),
                     FLO_OK);
    return rows;
}

/* The moments of stored column `column` over rows with weight > 0, two passes. */
static void check_column(const world *w, bool weighted, int column,
                         const flo_statistics *found)
{
    long double weight = 0, sum = 0, squares = 0;
    double low = INFINITY, high = -INFINITY;
    for (int pass = 0; pass < 2; ++pass)
        for (int64_t i = 0; i < N; ++i) {
            const double *const row = w->values + i * (COLUMNS + 1);
            const long double p = weighted ? row[COLUMNS] : 1;
            const double x = (double)(flo_real)row[column];
            if (!(p > 0) || isnan(row[0])) /* a dropped row */
                continue;
            const long double d = pass ? x - sum / weight : 0;
            weight += pass ? 0 : p;
            sum += pass ? 0 : p * x;
            squares += p * d * d;
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
    const double mean = (double)(sum / weight);
    const double deviation = (double)sqrtl(squares / weight);
    const double scale = deviation + 1e-9 * fabs(mean);
    assert_true(fabs(found->mean[column] - mean) <= 1e-10 * scale);
    assert_true(fabs(found->deviation[column] - deviation) <= 1e-8 * scale);
    assert_true(found->low[column] == low);
    assert_true(found->high[column] == high);
}

static void check_same_bits(const flo_statistics *a, const flo_statistics *b)
{
    assert_int_equal(a->columns, b->columns);
    assert_int_equal(a->rows, b->rows);
    assert_memory_equal(&a->weight, &b->weight, sizeof(double));
    const size_t bytes = (size_t)a->columns * sizeof(double);
    assert_memory_equal(a->mean, b->mean, bytes);
    assert_memory_equal(a->deviation, b->deviation, bytes);
    assert_memory_equal(a->low, b->low, bytes);
    assert_memory_equal(a->high, b->high, bytes);
}

/* Collects over all ranks, and compares with this rank doing all lanes alone. */
static void collect_both(world *w, flo_rows *rows, const flo_lane_plan *plan,
                         const flo_row_map *map, flo_statistics *found)
{
    flo_comm alone = *w->comm;
    alone.has_mpi = alone.started_mpi = false;
    alone.rank = 0;
    alone.size = 1;
    flo_statistics single;
    assert_int_equal(
        flo_statistics_collect(w->comm, w->e.context, rows, plan, map, found), FLO_OK);
    assert_int_equal(
        flo_statistics_collect(&alone, w->e.context, rows, plan, map, &single), FLO_OK);
    check_same_bits(found, &single);
    flo_statistics_free(w->e.context, &single);
}

static void moments_are_right_and_the_same_on_any_ranks(void **state)
{
    world *const w = *state;
    static const int64_t lanes[] = {4, 5, 16, 1000};
    for (int weighted = 0; weighted < 2; ++weighted) {
        flo_rows *rows =
            open_rows(w, weighted ? ", weights: 6" : ", columns: [0, 1, 2, 3]");
        for (size_t v = 0; v < sizeof lanes / sizeof *lanes; ++v) {
            const flo_lane_plan plan = PLAN(N, lanes[v], 1000, 37, 100, 1);
            flo_statistics found;
            collect_both(w, rows, &plan, NULL, &found);
            assert_int_equal(found.columns, COLUMNS);
            assert_int_equal(found.rows, weighted ? N - (N + 4) / 5 : N);
            double weight = 0;
            for (int64_t i = 0; i < N; ++i)
                weight += weighted ? value(i, COLUMNS) : 1;
            assert_true(found.weight == weight);
            for (int j = 0; j < COLUMNS; ++j)
                check_column(w, weighted, j, &found);
            assert_true(found.deviation[3] == 0 && found.mean[3] == 42);
            flo_statistics_free(w->e.context, &found);
            assert_null(found.mean);
        }
        flo_rows_close(&rows);
    }
}

/* The first row may be far from all others, or dropped. */
static void the_first_row_may_be_odd(void **state)
{
    world *const w = *state;
    const flo_lane_plan plan = PLAN(N, 16, 1000, 37, 100, 1);
    static const double odd[2] = {1e6, NAN};
    for (int i = 0; i < 2; ++i) {
        poke(w, 0, 0, odd[i]);
        flo_rows *rows = open_rows(w, ", columns: [0, 1, 2, 3], on_bad_rows: drop");
        flo_statistics found;
        collect_both(w, rows, &plan, NULL, &found);
        assert_int_equal(found.rows, N - i);
        for (int j = 0; j < COLUMNS; ++j)
            check_column(w, false, j, &found);
        flo_statistics_free(w->e.context, &found);
        flo_rows_close(&rows);
    }
    poke(w, 0, 0, value(0, 0));
}

/* Rows so wide that a lane is read in many pieces. */
static void wide_rows_are_summed_in_pieces(void **state)
{
    world *const w = *state;
    enum { ROWS = 1500, WIDE = 700 };
    const flo_lane_plan plan = PLAN(ROWS, 4, 100, 500, 1000, 1);
    if (flo_comm_rank(w->comm) == 0)
        example_add(&w->e, "wide", ROWS, WIDE);
    flo_comm_barrier(w->comm);
    const flo_data_settings settings = example_settings(&w->e, "train: wide");
    flo_rows *rows;
    assert_int_equal(flo_rows_open(w->e.context, &settings, 1, FLO_TRAIN, &rows),
                     FLO_OK);
    flo_statistics found;
    collect_both(w, rows, &plan, NULL, &found);
    assert_int_equal(found.rows, ROWS);
    const double deviation = sqrt(((double)ROWS * ROWS - 1) / 12);
    for (int64_t j = 0; j < WIDE; ++j) {
        assert_true(fabs(found.mean[j] - example_value(ROWS - 1, 2 * j + 1) / 2) <
                    1e-9 * ROWS);
        assert_true(fabs(found.deviation[j] - deviation) < 1e-9 * ROWS);
        assert_true(found.high[j] == example_value(ROWS - 1, j));
    }
    flo_statistics_free(w->e.context, &found);
    flo_rows_close(&rows);
}

/* Doubles the features, and adds the row's number to column 0; refuses row `data`. */
static flo_status change(void *data, int64_t first, flo_batch *batch)
{
    const world *const w = data;
    for (int64_t i = 0; i < batch->rows; ++i) {
        for (int64_t j = 0; j < D; ++j)
            batch->x[i * D + j] *= 2;
        batch->x[i * D] += (flo_real)(first + i);
        if (first + i == w->refused)
            return flo_fail(w->e.context, FLO_ERROR_DATA, "row %lld is refused",
                            (long long)(first + i));
    }
    return FLO_OK;
}

/* The moments are those of what a map makes of the rows, by their numbers; one that it
   refuses ends all ranks. */
static void rows_pass_a_map(void **state)
{
    world *const w = *state;
    const flo_lane_plan plan = PLAN(N, 16, 1000, 37, 100, 1);
    const flo_row_map map = {change, w};
    flo_rows *rows = open_rows(w, ", columns: [0, 1, 2, 3]");
    flo_statistics plain, found;
    w->refused = -1;
    collect_both(w, rows, &plan, NULL, &plain);
    collect_both(w, rows, &plan, &map, &found);
    double mean = 0;
    for (int64_t i = 0; i < N; ++i)
        mean += (2 * value(i, 0) + (double)i) / N;
    assert_true(fabs(found.mean[0] - mean) < 1e-6 * N);
    assert_true(fabs(found.mean[1] - 2 * plain.mean[1]) < 1e-6 * fabs(plain.mean[1]));
    assert_true(found.high[2] == 2 * plain.high[2] && found.low[2] == 2 * plain.low[2]);
    flo_statistics_free(w->e.context, &plain);
    flo_statistics_free(w->e.context, &found);
    w->refused = 4000;
    assert_int_equal(
        flo_statistics_collect(w->comm, w->e.context, rows, &plan, &map, &found),
        FLO_ERROR_DATA);
    assert_string_equal(flo_context_message(w->e.context), "row 4000 is refused");
    flo_rows_close(&rows);
}

/* One rank meets the bad row: all fail alike, with its message, and nothing is left. */
static void a_bad_row_is_agreed_on(void **state)
{
    world *const w = *state;
    const flo_lane_plan plan = PLAN(N, 16, 1000, 1, 100, 1);
    poke(w, 4000, 2, NAN);
    flo_rows *rows = open_rows(w, "");
    flo_statistics found;
    assert_int_equal(
        flo_statistics_collect(w->comm, w->e.context, rows, &plan, NULL, &found),
        FLO_ERROR_DATA);
    assert_non_null(
        strstr(flo_context_message(w->e.context), "row 4000, column 2: found nan"));
    assert_null(found.mean);
    flo_rows_close(&rows);
    poke(w, 4000, 2, value(4000, 2));
}

static void rows_without_weight_are_an_error(void **state)
{
    world *const w = *state;
    const flo_lane_plan plan = PLAN(100, 16, 20, 1, 100, 1);
    if (flo_comm_rank(w->comm) == 0) {
        double values[100][COLUMNS] = {{0}};
        scratch_matrix(w->e.path, "none", H5T_IEEE_F64LE, 100, COLUMNS, values[0]);
    }
    flo_comm_barrier(w->comm);
    flo_rows *rows = open_rows(w, ", train: none, weights: 3");
    flo_statistics found;
    assert_int_equal(
        flo_statistics_collect(w->comm, w->e.context, rows, &plan, NULL, &found),
        FLO_ERROR_DATA);
    assert_non_null(strstr(flo_context_message(w->e.context), "'none'"));
    assert_non_null(strstr(flo_context_message(w->e.context), "among 100"));
    flo_rows_close(&rows);
}

/* A rank without memory makes all ranks fail. */
static void a_rank_without_memory_is_agreed_on(void **state)
{
    world *const w = *state;
    const flo_lane_plan plan = PLAN(N, 16, 1000, 37, 100, 1);
    flo_rows *rows = open_rows(w, "");
    const int last = flo_comm_size(w->comm) - 1;
    int64_t failures = 0;
    for (int64_t n = 1; n < 40; ++n) {
        flo_context *const context = w->e.context;
        context->fail_at =
            flo_comm_rank(w->comm) == last ? (int64_t)context->made + n : 0;
        flo_statistics found;
        const flo_status status =
            flo_statistics_collect(w->comm, context, rows, &plan, NULL, &found);
        context->fail_at = 0;
        assert_true(flo_comm_same(w->comm, status));
        failures += status == FLO_ERROR_MEMORY;
        flo_statistics_free(context, &found);
    }
    assert_true(failures > 12);
    flo_rows_close(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_right_and_the_same_on_any_ranks),
        cmocka_unit_test(the_first_row_may_be_odd),
        cmocka_unit_test(wide_rows_are_summed_in_pieces),
        cmocka_unit_test(rows_pass_a_map),
        cmocka_unit_test(a_bad_row_is_agreed_on),
        cmocka_unit_test(rows_without_weight_are_an_error),
        cmocka_unit_test(a_rank_without_memory_is_agreed_on)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
