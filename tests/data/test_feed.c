/* The feed gives exactly the rows that the lanes' order says, from memory and from the
   file, from any step on. */
#include "data/feed.h"

#include "data/example.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { N = 1013, D = 3, C = 2 };

/* N, V, B, block, window, seed: steps within a window, over an end, over several. */
static const flo_lane_plan plans[] = {{N, 6, 500, 3, 7, 1},   {N, 6, 500, 3, 1000, 1},
                                      {N, 6, 7, 3, 50, 2},    {N, 6, 6, 3, 169, 2},
                                      {N, 6, 50, 10, 168, 2}, {N, 1, 13, 100, 1013, 3},
                                      {N, 1, 400, 17, 64, 3}, {N, 16, 40, 1, 1, 4}};
enum { PLANS = sizeof plans / sizeof *plans };

static int set_up(void **state)
{
    example *const e = malloc(sizeof *e);
    example_create(e);
    example_add(e, "train", N, D + C + 1);
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    example *const e = *state;
    const int64_t leaks = example_destroy(e);
    free(e);
    assert_int_equal(leaks, 0);
    return 0;
}

/* Columns 0 .. D-1 are features, then context, then the weight. */
static flo_rows *open_rows(example *e, const char *more)
{
    char yaml[100];
    snprintf(yaml, sizeof yaml, "context: [3, 4], weights: 5%s", more);
    const flo_data_settings settings = example_settings(e, yaml);
    flo_rows *rows;
    assert_int_equal(flo_rows_open(e->context, &settings, 1, FLO_TRAIN, &rows), FLO_OK);
    return rows;
}

static flo_feed *make_feed(example *e, flo_rows *rows, const flo_lane_plan *plan,
                           int64_t first, int64_t last)
{
    flo_feed *feed;
    assert_int_equal(flo_feed_create(e->context, rows, plan, first, last, &feed),
                     FLO_OK);
    return feed;
}

/* The rows of a lane at a step, by the lane's order and the rows of the data. */
static void check_lane(flo_feed *feed, const flo_lane_plan *plan, flo_lane_order *order,
                       int64_t lane, int64_t step)
{
    const int64_t b = flo_lane_batch_rows(plan, lane);
    flo_batch batch = example_batch(b, D, C);
    flo_feed_fetch(feed, lane, &batch);
    assert_int_equal(batch.rows, b);
    for (int64_t i = 0; i < b; ++i) {
        bool changed;
        flo_lane_order_seek(order, step * b + i, &changed);
        const int64_t row = flo_lane_order_row(order, step * b + i);
        for (int64_t j = 0; j < D; ++j)
            assert_true((double)batch.x[i * D + j] == example_value(row, j));
        for (int64_t j = 0; j < C; ++j)
            assert_true((double)batch.context[i * C + j] == example_value(row, D + j));
        assert_true((double)batch.weight[i] == example_value(row, D + C));
    }
    example_free(&batch);
}

/* Steps first, first + 1, ... of lanes [begin, end). */
static void check_steps(example *e, flo_rows *rows, const flo_lane_plan *plan,
                        int64_t begin, int64_t end, int64_t first, int64_t steps)
{
    flo_feed *feed = make_feed(e, rows, plan, begin, end);
    flo_lane_order *order[16];
    for (int64_t l = begin; l < end; ++l)
        assert_int_equal(flo_lane_order_create(e->context, plan, l, &order[l]), FLO_OK);
    for (int64_t s = first; s < first + steps; ++s) {
        assert_int_equal(flo_feed_prepare(feed, s), FLO_OK);
        for (int64_t l = end - 1; l >= begin; --l)
            check_lane(feed, plan, order[l], l, s);
    }
    for (int64_t l = begin; l < end; ++l)
        flo_lane_order_destroy(&order[l]);
    flo_feed_destroy(&feed);
    assert_null(feed);
}

static void every_step_gives_the_rows_of_the_order(void **state)
{
    example *const e = *state;
    flo_rows *rows = open_rows(e, "");
    for (int p = 0; p < PLANS; ++p)
        check_steps(e, rows, &plans[p], 0, plans[p].lanes, 0,
                    3 * N / plans[p].batch + 3);
    flo_rows_close(&rows);
}

static void a_feed_may_start_anywhere_with_any_lanes(void **state)
{
    example *const e = *state;
    flo_rows *rows = open_rows(e, "");
    for (int p = 0; p < PLANS; ++p)
        for (int64_t first = 1; first < 2000; first = 3 * first + 1) {
            check_steps(e, rows, &plans[p], plans[p].lanes / 2, plans[p].lanes, first,
                        2);
            check_steps(e, rows, &plans[p], 0, 0, first, 1);
        }
    flo_rows_close(&rows);
}

/* A step may be prepared twice, and steps in any order. */
static void steps_may_jump(void **state)
{
    example *const e = *state;
    flo_rows *rows = open_rows(e, "");
    for (int p = 0; p < PLANS; ++p) {
        flo_feed *feed = make_feed(e, rows, &plans[p], 0, 1);
        flo_lane_order *order;
        assert_int_equal(flo_lane_order_create(e->context, &plans[p], 0, &order),
                         FLO_OK);
        for (int64_t s = 0; s < 500; ++s) {
            const int64_t step = s * 31 % 97 / 2;
            assert_int_equal(flo_feed_prepare(feed, step), FLO_OK);
            check_lane(feed, &plans[p], order, 0, step);
        }
        flo_lane_order_destroy(&order);
        flo_feed_destroy(&feed);
    }
    flo_rows_close(&rows);
}

/* The file is cut off behind the feed's back: lanes that are windows of their own were
   read whole at the first step, others notice. */
static void whole_lanes_are_read_once(void **state)
{
    example *const e = *state;
    static const flo_lane_plan whole = {N, 6, 500, 3, 1000, 1},
                               windowed = {N, 6, 500, 3, 100, 1};
    flo_rows *rows = open_rows(e, "");
    flo_feed *one = make_feed(e, rows, &whole, 0, 6);
    flo_feed *many = make_feed(e, rows, &windowed, 0, 6);
    assert_int_equal(flo_feed_prepare(one, 0), FLO_OK);
    assert_int_equal(flo_feed_prepare(many, 0), FLO_OK);
    assert_int_equal(flo_feed_bytes(one),
                     (N + whole.batch) * (D + C + 1) * (int64_t)sizeof(flo_real));
    assert_int_equal(flo_feed_bytes(many), (6 * 100 + windowed.batch) * (D + C + 1) *
                                               (int64_t)sizeof(flo_real));
    assert_true(flo_feed_wait_seconds(many) > 0);
    assert_int_equal(truncate(e->path, 3000), 0);
    flo_lane_order *order;
    assert_int_equal(flo_lane_order_create(e->context, &whole, 2, &order), FLO_OK);
    for (int64_t s = 1; s < 10; ++s) {
        assert_int_equal(flo_feed_prepare(one, s), FLO_OK);
        check_lane(one, &whole, order, 2, s);
    }
    flo_status status = FLO_OK;
    for (int64_t s = 1; status == FLO_OK && s < 10; ++s)
        status = flo_feed_prepare(many, s);
    assert_int_equal(status, FLO_ERROR_FILE);
    assert_non_null(strstr(flo_context_message(e->context), e->path));
    flo_lane_order_destroy(&order);
    flo_feed_destroy(&one);
    flo_feed_destroy(&many);
    flo_rows_close(&rows);
}

static void bad_rows_are_counted_once_a_load(void **state)
{
    example *const e = *state;
    example_poke(e, "train", 500, 1, NAN);
    example_poke(e, "train", 501, 5, -1);
    flo_rows *rows = open_rows(e, ", on_bad_rows: drop");
    for (int64_t window = 20; window <= 200; window += 180) {
        const flo_lane_plan plan = {N, 6, 60, 3, window, 1};
        flo_feed *feed = make_feed(e, rows, &plan, 0, 6);
        int64_t dropped = 0;
        const int64_t steps = 3 * N / 60;
        for (int64_t s = 0; s < steps; ++s) {
            assert_int_equal(flo_feed_prepare(feed, s), FLO_OK);
            flo_batch batch = example_batch(10, D, C);
            for (int64_t l = 0; l < 6; ++l) {
                flo_feed_fetch(feed, l, &batch);
                for (int64_t i = 0; i < 10; ++i)
                    dropped += batch.weight[i] == 0 && batch.x[i * D] == 0;
            }
            example_free(&batch);
        }
        /* Lanes of 168 or 169 rows: 3 epochs less a few rows. */
        assert_in_range(dropped, 4, 6);
        if (window == 200)
            assert_int_equal(flo_feed_bad_rows(feed), 2);
        else
            assert_in_range(flo_feed_bad_rows(feed), dropped, 6);
        flo_feed_destroy(&feed);
    }
    flo_rows_close(&rows);
}

/* prepare says so, again when it is called again, and goes on when the file is whole.
 */
static void a_bad_row_surfaces_from_prepare(void **state)
{
    example *const e = *state;
    const flo_lane_plan plan = {N, 6, 60, 3, 1000, 1};
    example_poke(e, "train", 500, 1, NAN);
    flo_rows *rows = open_rows(e, "");
    flo_feed *feed = make_feed(e, rows, &plan, 0, 6);
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(flo_feed_prepare(feed, 0), FLO_ERROR_DATA);
        assert_non_null(
            strstr(flo_context_message(e->context), "row 500, column 1: found nan"));
    }
    example_poke(e, "train", 500, 1, example_value(500, 1));
    assert_int_equal(flo_feed_prepare(feed, 0), FLO_OK);
    for (int64_t l = 0; l < 6; ++l) {
        flo_lane_order *order;
        assert_int_equal(flo_lane_order_create(e->context, &plan, l, &order), FLO_OK);
        check_lane(feed, &plan, order, l, 0);
        flo_lane_order_destroy(&order);
    }
    flo_feed_destroy(&feed);
    flo_rows_close(&rows);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    example *const e = *state;
    flo_rows *rows = open_rows(e, "");
    flo_feed *feed = NULL;
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t n = 1; status != FLO_OK && n < 200; ++n) {
        e->context->fail_at = (int64_t)e->context->made + n;
        status = flo_feed_create(e->context, rows, &plans[0], 1, 4, &feed);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_true((status == FLO_OK) == (feed != NULL));
    }
    e->context->fail_at = 0;
    assert_int_equal(status, FLO_OK);
    flo_feed_destroy(&feed);
    flo_rows_close(&rows);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_step_gives_the_rows_of_the_order),
                                       TEST(a_feed_may_start_anywhere_with_any_lanes),
                                       TEST(steps_may_jump),
                                       TEST(whole_lanes_are_read_once),
                                       TEST(bad_rows_are_counted_once_a_load),
                                       TEST(a_bad_row_surfaces_from_prepare),
                                       TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
