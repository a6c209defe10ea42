/* Lanes: every epoch of a lane is a permutation of its rows, in windows, for awkward
   numbers too, and depends on nothing that happened before. */
#include "data/lanes.h"

#include "config/settings.h"
#include "data/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* N, V, B, block, window, seed */
static const flo_lane_plan plans[] = {
    PLAN(1013, 6, 500, 3, 7, 1),    PLAN(1013, 6, 500, 3, 1000, 1),
    PLAN(1013, 6, 7, 3, 50, 2),     PLAN(1013, 6, 7, 1, 1, 3),
    PLAN(16, 16, 16, 1, 1, 4),      PLAN(17, 16, 17, 5, 3, 4),
    PLAN(1000, 1, 10, 1000, 64, 5), PLAN(1000, 1, 10, 7, 1000, 5),
    PLAN(999, 10, 33, 200, 99, 6),  PLAN(999, 10, 33, 200, 100, 6),
    PLAN(4096, 8, 64, 64, 256, 7),  PLAN(60, 7, 60, 8, 4, 8)};
enum { PLANS = sizeof plans / sizeof *plans };

static flo_context *make_context(void)
{
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    return context;
}

static flo_lane_order *make_order(flo_context *context, const flo_lane_plan *plan,
                                  int64_t lane)
{
    flo_lane_order *order;
    assert_int_equal(flo_lane_order_create(context, plan, lane, &order), FLO_OK);
    return order;
}

/* Row k of the lane after a seek to it. */
static int64_t row_at(flo_lane_order *order, int64_t k)
{
    bool changed;
    flo_lane_order_seek(order, k, &changed);
    return flo_lane_order_row(order, k);
}

static void lanes_differ_by_one_row_and_take_the_batch(void **state)
{
    (void)state;
    for (int p = 0; p < PLANS; ++p) {
        const flo_lane_plan *const plan = &plans[p];
        int64_t rows = 0, batch = 0;
        for (int64_t l = 0; l < plan->lanes; ++l) {
            const int64_t n = flo_lane_rows(plan, l), b = flo_lane_batch_rows(plan, l);
            assert_int_equal(flo_lane_batch_first(plan, l), batch);
            assert_true(n >= plan->rows / plan->lanes);
            assert_true(n <= plan->rows / plan->lanes + 1);
            assert_true(b >= plan->batch / plan->lanes);
            assert_true(b <= plan->batch / plan->lanes + 1);
            assert_int_equal(batch + b, (l + 1) * plan->batch / plan->lanes);
            assert_int_equal(rows + n, (l + 1) * plan->rows / plan->lanes);
            rows += n;
            batch += b;
        }
        assert_int_equal(rows, plan->rows);
        assert_int_equal(batch, plan->batch);
    }
}

static void shares_do_not_overflow(void **state)
{
    (void)state;
    const flo_lane_plan plan = PLAN(INT64_MAX / 2, 4097, 5000, 1 << 20, 1000, 1);
    int64_t rows = 0;
    for (int64_t l = 0; l < plan.lanes; ++l)
        rows += flo_lane_rows(&plan, l);
    assert_true(rows == plan.rows);
}

/* Lanes have every row of the data once, and a lane's epoch every row of the lane. */
static void epochs_are_permutations_of_a_partition(void **state)
{
    (void)state;
    for (int p = 0; p < PLANS; ++p) {
        const flo_lane_plan *const plan = &plans[p];
        flo_context *context = make_context();
        int *const owner = calloc((size_t)plan->rows, sizeof *owner);
        for (int64_t l = 0; l < plan->lanes; ++l) {
            flo_lane_order *order = make_order(context, plan, l);
            const int64_t n = flo_lane_rows(plan, l);
            for (int64_t k = 0; k < 3 * n; ++k) {
                const int64_t row = row_at(order, k);
                assert_in_range(row, 0, plan->rows - 1);
                /* Epoch e turns (l, e) into (l, e + 1). */
                assert_int_equal(owner[row], k < n ? 0 : l * 8 + k / n);
                owner[row] = (int)(l * 8 + k / n + 1);
            }
            flo_lane_order_destroy(&order);
            assert_null(order);
        }
        for (int64_t i = 0; i < plan->rows; ++i)
            assert_int_not_equal(owner[i], 0);
        free(owner);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

static void a_jump_equals_a_walk(void **state)
{
    (void)state;
    for (int p = 0; p < PLANS; ++p) {
        const flo_lane_plan *const plan = &plans[p];
        flo_context *context = make_context();
        const int64_t lane = plan->lanes - 1, n = flo_lane_rows(plan, lane);
        flo_lane_order *walker = make_order(context, plan, lane);
        flo_lane_order *jumper = make_order(context, plan, lane);
        for (int64_t k = 0; k < 4 * n; ++k) {
            const int64_t row = row_at(walker, k);
            if (k % 5 && k % n > 2)
                continue;
            /* Far away and back. */
            row_at(jumper, (k * 7919 + 13) % (9 * n));
            assert_int_equal(row_at(jumper, k), row);
            flo_lane_order *fresh = make_order(context, plan, lane);
            assert_int_equal(row_at(fresh, k), row);
            flo_lane_order_destroy(&fresh);
        }
        flo_lane_order_destroy(&walker);
        flo_lane_order_destroy(&jumper);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

/* The pieces of a window hold the rows that it gives, at their slots, and no more than
   a window of them; they ascend and do not adjoin. */
static void windows_hold_what_they_give(void **state)
{
    (void)state;
    for (int p = 0; p < PLANS; ++p) {
        const flo_lane_plan *const plan = &plans[p];
        flo_context *context = make_context();
        flo_lane_order *order = make_order(context, plan, 0);
        const int64_t n = flo_lane_rows(plan, 0);
        const int64_t window = n < plan->window_rows ? n : plan->window_rows;
        int64_t *const rows = calloc((size_t)window, sizeof *rows);
        int64_t end, next = 0;
        assert_int_equal(flo_lane_order_first(order, &end), -1);
        for (int64_t k = 0; k < 3 * n; ++k) {
            bool changed;
            flo_lane_order_seek(order, k, &changed);
            const int64_t first = flo_lane_order_first(order, &end);
            assert_int_equal(first, k == next ? k : first);
            next = end;
            assert_true(first <= k && k < end && end - first <= window);
            assert_int_equal(first / n, (end - 1) / n);
            assert_int_equal(changed, window == n ? k == 0 : k == first);
            int64_t count, held = 0;
            const flo_piece *const pieces = flo_lane_order_pieces(order, &count);
            for (int64_t i = 0; i < count; ++i) {
                assert_true(pieces[i].count > 0);
                assert_true(i == 0 || pieces[i].first >
                                          pieces[i - 1].first + pieces[i - 1].count);
                for (int64_t j = 0; j < pieces[i].count; ++j) {
                    assert_true(held < window);
                    rows[held++] = pieces[i].first + j;
                }
            }
            assert_int_equal(held, end - first);
            assert_in_range(flo_lane_order_slot(order, k), 0, held - 1);
            assert_int_equal(flo_lane_order_row(order, k),
                             rows[flo_lane_order_slot(order, k)]);
        }
        free(rows);
        flo_lane_order_destroy(&order);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

/* The windows of one epoch that hold rows of a block: counted in `windows`, which is
   [blocks]. Two windows in a row are more than one. */
static void count_windows(flo_lane_order *order, const flo_lane_plan *plan, int64_t n,
                          int *windows)
{
    int64_t end = 0, before = plan->window_rows;
    for (int64_t k = 5 * n; k < 6 * n; k = end) {
        bool changed;
        int64_t count;
        flo_lane_order_seek(order, k, &changed);
        assert_int_equal(flo_lane_order_first(order, &end), k);
        assert_true(before + end - k > plan->window_rows);
        before = end - k;
        const flo_piece *const pieces = flo_lane_order_pieces(order, &count);
        for (int64_t i = 0; i < count; ++i)
            for (int64_t block = pieces[i].first / plan->block_rows;
                 block * plan->block_rows < pieces[i].first + pieces[i].count; ++block)
                windows[block]++;
    }
}

/* A block is one lane's and one window's, but for those cut between two lanes; so a
   compressed chunk is decoded once an epoch. A block that is longer than a window is
   cut into as few as can be. */
static void a_block_is_read_for_one_window(void **state)
{
    (void)state;
    enum { N = 10000, V = 4, BLOCK = 70, BLOCKS = (N + BLOCK - 1) / BLOCK };
    static const int64_t windows[] = {70, 100, 300, 1000, 25};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; ++w) {
        const flo_lane_plan plan = PLAN(N, V, 10, BLOCK, windows[w], 3);
        flo_context *context = make_context();
        int total = 0, held[BLOCKS] = {0};
        for (int64_t l = 0; l < V; ++l) {
            flo_lane_order *order = make_order(context, &plan, l);
            count_windows(order, &plan, flo_lane_rows(&plan, l), held);
            flo_lane_order_destroy(&order);
        }
        for (int64_t i = 0; i < BLOCKS; ++i)
            total += held[i];
        if (windows[w] >= BLOCK)
            assert_in_range(total, BLOCKS, BLOCKS + V - 1);
        else
            assert_in_range(total, BLOCKS, BLOCKS * 3 + 2 * (V - 1));
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

/* Each lane draws from streams of its own: with as many rows in each of two lanes,
   their orders within are different; so are two epochs and two seeds. */
static void orders_differ(void **state)
{
    (void)state;
    enum { N = 2000, LANE = N / 2 };
    for (int64_t window = 100; window <= LANE; window += LANE - 100) {
        flo_context *context = make_context();
        const flo_lane_plan plan = PLAN(N, 2, 20, 1, window, 1);
        flo_lane_plan other = plan;
        other.seed = 2;
        flo_lane_order *order[3] = {make_order(context, &plan, 0),
                                    make_order(context, &plan, 1),
                                    make_order(context, &other, 0)};
        int same_epoch = 0, same_lane = 0, same_seed = 0;
        for (int64_t k = 0; k < LANE; ++k) {
            const int64_t row = row_at(order[0], k);
            const int64_t slot = flo_lane_order_slot(order[0], k);
            same_seed += row_at(order[2], k) == row;
            row_at(order[1], k);
            same_lane += flo_lane_order_slot(order[1], k) == slot;
            same_epoch += row_at(order[0], k + LANE) == row;
        }
        assert_true(same_epoch < 20);
        assert_true(same_seed < 20);
        /* Slots of windows of 100 rows agree by chance in 1 of 100. */
        assert_true(same_lane < 40);
        for (int i = 0; i < 3; ++i)
            flo_lane_order_destroy(&order[i]);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

/* The mean place of a row over many epochs is the middle, and the places of rows that
   lie side by side in the data are independent, when the lane is one window; with
   windows every row still meets many others. */
static void whole_lanes_mix_fully(void **state)
{
    (void)state;
    enum { N = 200, EPOCHS = 2000 };
    flo_context *context = make_context();
    const flo_lane_plan plan = PLAN(N, 1, 10, 8, N, 11);
    flo_lane_order *order = make_order(context, &plan, 0);
    static double place[N];
    double sum[N] = {0}, neighbours = 0;
    for (int64_t e = 0; e < EPOCHS; ++e) {
        for (int64_t k = 0; k < N; ++k)
            place[row_at(order, e * N + k)] = ((double)k + 0.5) / N - 0.5;
        for (int i = 0; i < N; ++i) {
            sum[i] += place[i];
            neighbours += i ? place[i] * place[i - 1] : 0;
        }
    }
    for (int i = 0; i < N; ++i) /* deviation 1/sqrt(12 EPOCHS) = 0.0065 */
        assert_true(sum[i] / EPOCHS < 0.03 && sum[i] / EPOCHS > -0.03);
    /* Correlation -1/(N-1) of the variance 1/12 = -0.0004, deviation 0.00013. */
    neighbours /= (double)EPOCHS * (N - 1);
    assert_true(neighbours < 0.0005 && neighbours > -0.0013);
    flo_lane_order_destroy(&order);
    assert_int_equal(flo_context_destroy(&context), 0);
}

/* Blocks stay together in windows (that is what makes reading cheap): a window of a
   lane has about window / block + 1 pieces, never one a row. */
static void windows_read_few_pieces(void **state)
{
    (void)state;
    flo_context *context = make_context();
    const flo_lane_plan plan = PLAN(100000, 4, 64, 50, 1000, 3);
    flo_lane_order *order = make_order(context, &plan, 1);
    for (int64_t k = 0; k < 50000; k += 1000) {
        bool changed;
        int64_t count;
        flo_lane_order_seek(order, k, &changed);
        flo_lane_order_pieces(order, &count);
        assert_in_range(count, 1, 1000 / 50 + 3);
    }
    flo_lane_order_destroy(&order);
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void the_pieces_of_lanes_are_the_data(void **state)
{
    (void)state;
    for (int p = 0; p < PLANS; ++p) {
        const flo_lane_plan *const plan = &plans[p];
        flo_context *context = make_context();
        char *const seen = calloc((size_t)plan->rows, 1);
        for (int64_t l = 0; l < plan->lanes; ++l) {
            flo_piece *pieces;
            int64_t count, total = 0;
            assert_int_equal(flo_lane_pieces(context, plan, l, &pieces, &count),
                             FLO_OK);
            for (int64_t i = 0; i < count; ++i) {
                assert_true(i == 0 || pieces[i].first >
                                          pieces[i - 1].first + pieces[i - 1].count);
                for (int64_t j = 0; j < pieces[i].count; ++j)
                    assert_int_equal(seen[pieces[i].first + j]++, 0);
                total += pieces[i].count;
            }
            assert_int_equal(total, flo_lane_rows(plan, l));
            flo_free(context, &pieces);
        }
        free(seen);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

/* The order is part of what a resumed run relies on: these rows must never change. */
static void the_order_is_the_one_of_before(void **state)
{
    (void)state;
    flo_context *context = make_context();
    static const int64_t expected[2][8] = {{901, 124, 782, 717, 160, 900, 104, 132},
                                           {962, 378, 659, 363, 73, 264, 77, 159}};
    for (int w = 0; w < 2; ++w) {
        const flo_lane_plan plan = PLAN(1013, 6, 500, 3, w ? 1000 : 7, 1);
        flo_lane_order *order = make_order(context, &plan, 2);
        for (int64_t k = 0; k < 8; ++k)
            assert_int_equal(row_at(order, 1000 + 50 * k), expected[w][k]);
        flo_lane_order_destroy(&order);
    }
    assert_int_equal(flo_context_destroy(&context), 0);
}

static flo_status make_plan(flo_context *context, int64_t rows, int64_t batch,
                            int64_t memory_bytes, int64_t window_rows,
                            flo_lane_plan *plan)
{
    *plan = (flo_lane_plan)PLAN(rows, 16, batch, 1, window_rows, 1);
    const flo_lane_memory memory = {memory_bytes, 92, 1000};
    return flo_lane_plan_make(context, &memory, plan);
}

/* A row takes 100 bytes with its place in the order. */
static void windows_follow_from_memory(void **state)
{
    (void)state;
    static const struct {
        int64_t memory, asked, window;
    } cases[] = {
        {1000 + 1000000 * 100, FLO_AUTO, 62500}, /* all fits: the whole lane */
        {1000 + 999984 * 100, FLO_AUTO, 31218},  /* one row a lane too few: half */
        {1000 + 16 * (2 * 5000 + 63) * 100, FLO_AUTO, 5000},
        {1000, FLO_AUTO, 63}, /* a step's rows at least */
        {1000, 777, 777},
        {1000, 10000000, 10000000}};
    flo_context *context = make_context();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        flo_lane_plan plan;
        assert_int_equal(
            make_plan(context, 1000000, 1000, cases[c].memory, cases[c].asked, &plan),
            FLO_OK);
        assert_int_equal(plan.window_rows, cases[c].window);
    }
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void impossible_plans_are_refused(void **state)
{
    (void)state;
    flo_context *context = make_context();
    flo_lane_plan plan;
    assert_int_equal(make_plan(context, 1000, 15, 1000, FLO_AUTO, &plan),
                     FLO_ERROR_CONFIG);
    assert_non_null(strstr(flo_context_message(context), "15 rows a step for 16"));
    assert_int_equal(make_plan(context, 1000, 1001, 1000, FLO_AUTO, &plan),
                     FLO_ERROR_DATA);
    assert_non_null(strstr(flo_context_message(context), "1000 rows"));
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void a_window_too_large_for_memory_is_an_error(void **state)
{
    (void)state;
    flo_context *context = make_context();
    const flo_lane_plan plan =
        PLAN((int64_t)1 << 40, 2, 10, 1 << 20, (int64_t)1 << 40, 1);
    flo_lane_order *order;
    assert_int_equal(flo_lane_order_create(context, &plan, 0, &order),
                     FLO_ERROR_CONFIG);
    assert_non_null(strstr(flo_context_message(context), "data.window_rows"));
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    flo_context *context = make_context();
    flo_lane_order *order = NULL;
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 100; ++n) {
        context->fail_at = (int64_t)context->made + n;
        status = flo_lane_order_create(context, &plans[0], 3, &order);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_true((status == FLO_OK) == (order != NULL));
    }
    assert_int_equal(status, FLO_OK);
    flo_lane_order_destroy(&order);
    assert_int_equal(flo_context_destroy(&context), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_differ_by_one_row_and_take_the_batch),
        cmocka_unit_test(shares_do_not_overflow),
        cmocka_unit_test(epochs_are_permutations_of_a_partition),
        cmocka_unit_test(a_jump_equals_a_walk),
        cmocka_unit_test(windows_hold_what_they_give),
        cmocka_unit_test(a_block_is_read_for_one_window),
        cmocka_unit_test(orders_differ),
        cmocka_unit_test(whole_lanes_mix_fully),
        cmocka_unit_test(windows_read_few_pieces),
        cmocka_unit_test(the_pieces_of_lanes_are_the_data),
        cmocka_unit_test(the_order_is_the_one_of_before),
        cmocka_unit_test(windows_follow_from_memory),
        cmocka_unit_test(impossible_plans_are_refused),
        cmocka_unit_test(a_window_too_large_for_memory_is_an_error),
        cmocka_unit_test(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
