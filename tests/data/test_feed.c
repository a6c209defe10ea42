/* The feed gives exactly the rows that the lanes' order says, resident and streaming,
   from any step on. */
#include "data/feed.h"

#include "data/blocks.h"
#include "data/example.h"
#include "data/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { N = 1013, D = 3, C = 2 };

/* N, V, B, block, window, seed: steps within a window, over an end, over several. */
static const flo_lane_plan plans[] = {
    PLAN(N, 6, 500, 3, 7, 1),   PLAN(N, 6, 500, 3, 1000, 1),
    PLAN(N, 6, 7, 3, 50, 2),    PLAN(N, 6, 6, 3, 169, 2),
    PLAN(N, 6, 50, 10, 168, 2), PLAN(N, 1, 13, 100, 1013, 3),
    PLAN(N, 1, 400, 17, 64, 3), PLAN(N, 16, 40, 1, 1, 4)};
enum { PLANS = sizeof plans / sizeof *plans };

static int set_up(void **state)
{
    example_set_up(state);
    const example *const e = *state;
    example_add(e, "train", N, D + C + 1);
    return 0;
}

/* Rows and the settings by which a streaming feed opens them again. */
typedef struct opened {
    flo_data_settings settings;
    flo_rows *rows;
} opened;

/* Columns 0 .. D-1 are features, then context, then the weight. */
static opened open_source(example *e, const char *more)
{
    opened s;
    char yaml[100];
    snprintf(yaml, sizeof yaml, "context: [3, 4], weights: 5%s", more);
    s.settings = example_settings(e, yaml);
    assert_int_equal(flo_rows_open(e->context, &s.settings, 1, FLO_TRAIN, &s.rows),
                     FLO_OK);
    return s;
}

static flo_feed *make_feed(example *e, const opened *s, const flo_lane_plan *plan,
                           int64_t first, int64_t last, bool streams)
{
    flo_feed *feed;
    const flo_feed_task task = {s->rows, &s->settings, 1, plan, first, last, streams};
    assert_int_equal(flo_feed_create(e->context, &task, &feed), FLO_OK);
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
static void check_steps(example *e, const opened *source, const flo_lane_plan *plan,
                        int64_t begin, int64_t end, int64_t first, int64_t steps)
{
    flo_lane_order *order[16];
    for (int64_t l = begin; l < end; ++l)
        assert_int_equal(flo_lane_order_create(e->context, plan, l, &order[l]), FLO_OK);
    for (int streams = 0; streams < 2; ++streams) {
        flo_feed *feed = make_feed(e, source, plan, begin, end, streams);
        for (int64_t s = first; s < first + steps; ++s) {
            assert_int_equal(flo_feed_prepare(feed, s), FLO_OK);
            for (int64_t l = end - 1; l >= begin; --l)
                check_lane(feed, plan, order[l], l, s);
        }
        flo_feed_destroy(&feed);
        assert_null(feed);
    }
    for (int64_t l = begin; l < end; ++l)
        flo_lane_order_destroy(&order[l]);
}

static void every_step_gives_the_rows_of_the_order(void **state)
{
    example *const e = *state;
    opened s = open_source(e, "");
    for (int p = 0; p < PLANS; ++p)
        check_steps(e, &s, &plans[p], 0, plans[p].lanes, 0, 3 * N / plans[p].batch + 3);
    flo_rows_close(&s.rows);
}

/* As a run that is resumed on other ranks. */
static void a_feed_may_start_anywhere_with_any_lanes(void **state)
{
    example *const e = *state;
    opened s = open_source(e, "");
    for (int p = 0; p < PLANS; ++p)
        for (int64_t first = 1; first < 2000; first = 3 * first + 1) {
            check_steps(e, &s, &plans[p], plans[p].lanes / 2, plans[p].lanes, first, 2);
            check_steps(e, &s, &plans[p], 0, 0, first, 1);
        }
    flo_rows_close(&s.rows);
}

/* A step may be prepared twice, and steps in any order: what is read ahead gives way.
 */
static void steps_may_jump(void **state)
{
    example *const e = *state;
    opened source = open_source(e, "");
    for (int i = 0; i < 2 * PLANS; ++i) {
        const flo_lane_plan *const plan = &plans[i / 2];
        flo_feed *feed = make_feed(e, &source, plan, 0, 1, i % 2);
        flo_lane_order *order;
        assert_int_equal(flo_lane_order_create(e->context, plan, 0, &order), FLO_OK);
        for (int64_t s = 0; s < 500; ++s) {
            const int64_t step = s * 31 % 97 / 2;
            assert_int_equal(flo_feed_prepare(feed, step), FLO_OK);
            check_lane(feed, plan, order, 0, step);
        }
        flo_lane_order_destroy(&order);
        flo_feed_destroy(&feed);
    }
    flo_rows_close(&source.rows);
}

/* Through HDF5, with rows of a fraction, in blocks of their own. */
static void chunks_and_fractions_stream_too(void **state)
{
    example *const e = *state;
    double *const values = example_values(N, D + C + 1);
    const hsize_t shape[2] = {N, D + C + 1};
    const scratch_layout layout = {.chunk = {7, D + C + 1}, .deflate = 1};
    const hid_t file = H5Fopen(e->path, H5F_ACC_RDWR, H5P_DEFAULT);
    scratch_add(file, "chunked", H5T_IEEE_F64BE, 2, shape, &layout, H5T_NATIVE_DOUBLE,
                values);
    H5Fclose(file);
    free(values);
    opened s = open_source(e, ", train: chunked, validation: 0.3");
    const int64_t rows = flo_rows_count(s.rows);
    flo_lane_plan plan = PLAN(rows, 5, 30, 1, 60, 3);
    assert_int_equal(flo_blocks_of_rows(e->arena, s.rows, &plan), FLO_OK);
    flo_batch resident = example_batch(6, D, C), streaming = example_batch(6, D, C);
    flo_feed *feed[2] = {make_feed(e, &s, &plan, 0, 5, false),
                         make_feed(e, &s, &plan, 0, 5, true)};
    char *const seen = calloc(N, 1);
    for (int64_t step = 0; step < 3 * rows / 30; ++step) {
        for (int i = 0; i < 2; ++i)
            assert_int_equal(flo_feed_prepare(feed[i], step), FLO_OK);
        for (int64_t l = 0; l < 5; ++l) {
            flo_feed_fetch(feed[0], l, &resident);
            flo_feed_fetch(feed[1], l, &streaming);
            assert_memory_equal(resident.x, streaming.x, 6 * D * sizeof(flo_real));
            assert_memory_equal(resident.context, streaming.context,
                                6 * C * sizeof(flo_real));
            assert_memory_equal(resident.weight, streaming.weight,
                                6 * sizeof(flo_real));
            for (int64_t i = 0; i < 6; ++i)
                seen[(int64_t)resident.x[i * D]] = 1;
        }
    }
    int64_t distinct = 0;
    for (int64_t i = 0; i < N; ++i)
        distinct += seen[i];
    assert_int_equal(distinct, rows);
    free(seen);
    example_free(&resident);
    example_free(&streaming);
    flo_feed_destroy(&feed[0]);
    flo_feed_destroy(&feed[1]);
    flo_rows_close(&s.rows);
}

/* The file is cut off behind the feed's back: a resident feed has read all at the first
   step, a streaming one notices. */
static void resident_rows_are_read_once(void **state)
{
    example *const e = *state;
    static const flo_lane_plan plan = PLAN(N, 6, 500, 3, 100, 1);
    opened source = open_source(e, "");
    flo_feed *all = make_feed(e, &source, &plan, 0, 6, false);
    flo_feed *windows = make_feed(e, &source, &plan, 0, 6, true);
    assert_int_equal(flo_feed_prepare(all, 0), FLO_OK);
    assert_int_equal(flo_feed_prepare(windows, 0), FLO_OK);
    assert_true(flo_feed_wait_seconds(windows) > 0);
    assert_int_equal(truncate(e->path, 3000), 0);
    flo_lane_order *order;
    assert_int_equal(flo_lane_order_create(e->context, &plan, 2, &order), FLO_OK);
    for (int64_t s = 1; s < 10; ++s) {
        assert_int_equal(flo_feed_prepare(all, s), FLO_OK);
        check_lane(all, &plan, order, 2, s);
    }
    flo_status status = FLO_OK;
    for (int64_t s = 1; status == FLO_OK && s < 10; ++s)
        status = flo_feed_prepare(windows, s);
    assert_int_equal(status, FLO_ERROR_FILE);
    assert_non_null(strstr(flo_context_message(e->context), e->path));
    flo_lane_order_destroy(&order);
    flo_feed_destroy(&all);
    flo_feed_destroy(&windows);
    flo_rows_close(&source.rows);
}

/* What a feed takes is what was said before, but for rows that lanes have fewer. */
static void bytes_are_as_foreseen(void **state)
{
    example *const e = *state;
    opened s = open_source(e, "");
    for (int i = 0; i < 2 * PLANS; ++i) {
        const flo_lane_plan *const plan = &plans[i / 2];
        flo_feed *feed = make_feed(e, &s, plan, 0, plan->lanes, i % 2);
        const int64_t needs = flo_feed_needs(plan, plan->lanes, D + C + 1, i % 2);
        const int64_t row = 3 * ((D + C + 1) * (int64_t)sizeof(flo_real) + 8);
        assert_in_range(flo_feed_bytes(feed), needs - plan->lanes * row, needs);
        flo_feed_destroy(&feed);
    }
    const flo_lane_plan whole = PLAN(1000, 10, 50, 3, 100, 1);
    assert_int_equal(flo_feed_needs(&whole, 10, 6, false),
                     1000 * (6 * (int64_t)sizeof(flo_real) + 4) + 50 * 8);
    assert_int_equal(flo_feed_needs(&whole, 10, 6, true),
                     2 * 1000 * (6 * (int64_t)sizeof(flo_real) + 4) +
                         50 * (6 * (int64_t)sizeof(flo_real) + 8));
    flo_rows_close(&s.rows);
}

static void bad_rows_are_counted_once_a_load(void **state)
{
    example *const e = *state;
    example_poke(e, "train", 500, 1, NAN);
    example_poke(e, "train", 501, 5, -1);
    opened source = open_source(e, ", on_bad_rows: drop");
    for (int streams = 0; streams < 2; ++streams) {
        const flo_lane_plan plan = PLAN(N, 6, 60, 3, 20, 1);
        flo_feed *feed = make_feed(e, &source, &plan, 0, 6, streams);
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
        if (streams)
            assert_in_range(flo_feed_bad_rows(feed), dropped, 6);
        else
            assert_int_equal(flo_feed_bad_rows(feed), 2);
        flo_feed_destroy(&feed);
    }
    flo_rows_close(&source.rows);
}

/* prepare says so, again when it is called again, and goes on when the file is whole.
 */
static void a_bad_row_surfaces_from_prepare(void **state)
{
    example *const e = *state;
    const flo_lane_plan plan = PLAN(N, 6, 60, 3, 1000, 1);
    for (int streams = 0; streams < 2; ++streams) {
        example_poke(e, "train", 500, 1, NAN);
        opened s = open_source(e, "");
        flo_feed *feed = make_feed(e, &s, &plan, 0, 6, streams);
        for (int i = 0; i < 2; ++i) {
            assert_int_equal(flo_feed_prepare(feed, 0), FLO_ERROR_DATA);
            assert_non_null(strstr(flo_context_message(e->context),
                                   "row 500, column 1: found nan"));
        }
        example_poke(e, "train", 500, 1, example_value(500, 1));
        assert_int_equal(flo_feed_prepare(feed, 0), FLO_OK);
        for (int64_t l = 0; l < 6; ++l) {
            flo_lane_order *order;
            assert_int_equal(flo_lane_order_create(e->context, &plan, l, &order),
                             FLO_OK);
            check_lane(feed, &plan, order, l, 0);
            flo_lane_order_destroy(&order);
        }
        flo_feed_destroy(&feed);
        flo_rows_close(&s.rows);
    }
}

/* The first step from which on lane 0 has a row of the window that holds `row`. */
static int64_t step_of_row(example *e, const flo_lane_plan *plan, int64_t row)
{
    flo_lane_order *order;
    bool changed;
    assert_int_equal(flo_lane_order_create(e->context, plan, 0, &order), FLO_OK);
    int64_t k = -1;
    do
        flo_lane_order_seek(order, ++k, &changed);
    while (flo_lane_order_row(order, k) != row);
    int64_t end;
    const int64_t first = flo_lane_order_first(order, &end);
    flo_lane_order_destroy(&order);
    return first / flo_lane_batch_rows(plan, 0);
}

/* What the thread met long ago is told at the step that needs the window, not before;
   meanwhile other lanes' windows are read. Of two bad rows the one needed first. */
static void an_error_waits_for_its_step(void **state)
{
    example *const e = *state;
    const flo_lane_plan plan = PLAN(N, 1, 10, 3, 100, 1),
                        two = PLAN(N, 2, 20, 3, 100, 1);
    example_poke(e, "train", 900, 0, NAN);
    example_poke(e, "train", 30, 0, NAN);
    opened s = open_source(e, "");
    const int64_t late = step_of_row(e, &plan, 900), early = step_of_row(e, &plan, 30);
    const int64_t first = early < late ? early : late;
    assert_int_not_equal(early, late);
    flo_feed *feed = make_feed(e, &s, &plan, 0, 1, true);
    for (int64_t step = 0; step < first; ++step)
        assert_int_equal(flo_feed_prepare(feed, step), FLO_OK);
    assert_int_equal(flo_feed_prepare(feed, first), FLO_ERROR_DATA);
    assert_non_null(strstr(flo_context_message(e->context),
                           early < late ? "row 30, column 0" : "row 900, column 0"));
    flo_feed_destroy(&feed);
    /* Two lanes: the windows of both end at the same steps. */
    feed = make_feed(e, &s, &two, 0, 2, true);
    flo_status status = FLO_OK;
    int64_t step = 0;
    for (; status == FLO_OK && step < N; ++step)
        status = flo_feed_prepare(feed, step);
    assert_int_equal(status, FLO_ERROR_DATA);
    flo_feed_destroy(&feed);
    flo_rows_close(&s.rows);
}

/* Opening again fails: the message of the thread's own context is handed on. */
static void a_file_that_is_gone_is_an_error_of_create(void **state)
{
    example *const e = *state;
    opened s = open_source(e, "");
    assert_int_equal(unlink(e->path), 0);
    flo_feed *feed;
    const flo_feed_task task = {s.rows, &s.settings, 1, &plans[0], 0, 6, true};
    assert_int_equal(flo_feed_create(e->context, &task, &feed), FLO_ERROR_FILE);
    assert_null(feed);
    assert_non_null(strstr(flo_context_message(e->context), e->path));
    flo_rows_close(&s.rows);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    example *const e = *state;
    opened s = open_source(e, "");
    for (int streams = 0; streams < 2; ++streams) {
        const flo_feed_task task = {s.rows, &s.settings, 1, &plans[0], 1, 4, streams};
        flo_feed *feed = NULL;
        flo_status status = FLO_ERROR_MEMORY;
        for (int64_t n = 1; status != FLO_OK && n < 300; ++n) {
            e->context->fail_at = (int64_t)e->context->made + n;
            status = flo_feed_create(e->context, &task, &feed);
            assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
            assert_true((status == FLO_OK) == (feed != NULL));
        }
        e->context->fail_at = 0;
        assert_int_equal(status, FLO_OK);
        flo_feed_destroy(&feed);
    }
    flo_rows_close(&s.rows);
}

#define TEST(function)                                                                 \
    cmocka_unit_test_setup_teardown(function, set_up, example_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_step_gives_the_rows_of_the_order),
                                       TEST(a_feed_may_start_anywhere_with_any_lanes),
                                       TEST(steps_may_jump),
                                       TEST(chunks_and_fractions_stream_too),
                                       TEST(resident_rows_are_read_once),
                                       TEST(bytes_are_as_foreseen),
                                       TEST(bad_rows_are_counted_once_a_load),
                                       TEST(a_bad_row_surfaces_from_prepare),
                                       TEST(an_error_waits_for_its_step),
                                       TEST(a_file_that_is_gone_is_an_error_of_create),
                                       TEST(a_failed_allocation_leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
