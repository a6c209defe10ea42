/* Blocks: a partition of the rows that belong, on the chunk grid of every shard. */
#include "data/blocks.h"

#include "data/example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Blocks of the rows whose uniform number lies in [low, 1). */
static flo_lane_plan make(example *e, double low, int64_t lanes, int64_t row_bytes,
                          int64_t shards, const flo_chunking *shard,
                          flo_membership *members)
{
    int64_t rows = 0;
    for (int64_t s = 0; s < shards; ++s)
        rows += shard[s].rows;
    assert_int_equal(flo_membership_make(e->arena, 5, low, 1, rows, members), FLO_OK);
    flo_lane_plan plan = {.rows = members->count, .lanes = lanes};
    assert_int_equal(
        flo_blocks_make(e->arena, members, shards, shard, row_bytes, &plan), FLO_OK);
    return plan;
}

static void their_size_follows_from_the_data(void **state)
{
    static const struct {
        int64_t rows, lanes, row_bytes, chunk_rows, block;
    } cases[] = {
        {10000000, 16, 252, 0, 4161},      /* 1 MiB */
        {10000000, 16, 252, 1000, 4000},   /* whole chunks */
        {10000000, 16, 252, 10000, 10000}, /* a chunk above 1 MiB is one block */
        {10000000, 16, 252, 300000, 300000},
        {10000000, 16, 252, 1000000, 4161}, /* but not with less than 2 a lane */
        {100000, 16, 252, 0, 781},          /* 8 blocks a lane */
        {100000, 16, 252, 700, 700},
        {100000, 16, 252, 3000, 3000}, /* whole chunks rather than 8 blocks */
        {100000, 16, 252, 5000, 781},
        {100, 16, 252, 0, 1},         /* too few rows for 8 blocks */
        {1000000, 4, 4000000, 0, 1}}; /* a row of 4 MB */
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        const flo_chunking shard = {cases[c].rows, cases[c].chunk_rows};
        flo_membership members;
        const flo_lane_plan plan =
            make(*state, 0, cases[c].lanes, cases[c].row_bytes, 1, &shard, &members);
        assert_int_equal(plan.block_rows, cases[c].block);
        assert_int_equal(plan.blocks,
                         (cases[c].rows + cases[c].block - 1) / cases[c].block);
        assert_int_equal(plan.block_first[1], cases[c].block);
    }
}

/* The shard and the chunk in it of a stored row. */
static int64_t chunk_of(const flo_chunking *shard, int64_t row)
{
    int64_t s = 0;
    for (; row >= shard[s].rows; row -= shard[s++].rows)
        ;
    return s << 32 | (shard[s].chunk_rows ? row / shard[s].chunk_rows : row);
}

/* Shards of unequal length, one empty, one contiguous: no chunk is in two blocks, no
   block in two shards; with a fraction of the rows too. */
static void they_follow_the_chunks_of_every_shard(void **state)
{
    static const flo_chunking shards[] = {{1003, 50}, {7, 50},   {0, 50},
                                          {2500, 60}, {3000, 0}, {999, 333}};
    enum {
        SHARDS = sizeof shards / sizeof *shards,
        ROWS = 1003 + 7 + 2500 + 3000 + 999
    };
    for (int fraction = 0; fraction < 2; ++fraction) {
        flo_membership members;
        const flo_lane_plan plan =
            make(*state, fraction ? 0.9 : 0, 4, 8, SHARDS, shards, &members);
        int64_t stored[ROWS];
        flo_membership_locate(&members, 0, plan.rows, stored);
        assert_int_equal(plan.block_first[0], 0);
        assert_int_equal(plan.block_first[plan.blocks], plan.rows);
        assert_in_range(plan.blocks, 30, 60);
        for (int64_t b = 0; b < plan.blocks; ++b) {
            const int64_t first = plan.block_first[b], last = plan.block_first[b + 1];
            assert_true(first < last);
            assert_int_equal(chunk_of(shards, stored[first]) >> 32,
                             chunk_of(shards, stored[last - 1]) >> 32);
            assert_true(last == plan.rows || chunk_of(shards, stored[last - 1]) !=
                                                 chunk_of(shards, stored[last]));
        }
    }
}

static void rows_before_are_counted(void **state)
{
    example *const e = *state;
    for (int64_t rows = 1; rows < 5000; rows = 4 * rows + (rows == 256 ? 0 : 1)) {
        flo_membership members;
        int64_t stored[5000];
        assert_int_equal(flo_membership_make(e->arena, 9, 0.3, 0.8, rows, &members),
                         FLO_OK);
        flo_membership_locate(&members, 0, members.count, stored);
        for (int64_t row = 0, before = 0; row <= rows; ++row) {
            assert_int_equal(flo_membership_before(&members, row), before);
            before += before < members.count && stored[before] == row;
        }
    }
}

static void rows_of_a_file_have_blocks(void **state)
{
    example *const e = *state;
    example_add(e, "train", 1600, 3);
    const flo_data_settings settings = example_settings(e, "validation: 0.25");
    flo_rows *rows;
    assert_int_equal(flo_rows_open(e->context, &settings, 1, FLO_TRAIN, &rows), FLO_OK);
    flo_lane_plan plan = {.lanes = 4};
    assert_int_equal(flo_blocks_of_rows(e->arena, rows, &plan), FLO_OK);
    assert_int_equal(plan.rows, flo_rows_count(rows));
    assert_int_equal(plan.block_rows, 50);
    assert_int_equal(plan.blocks, 32);
    assert_int_equal(plan.block_first[32], plan.rows);
    flo_rows_close(&rows);
}

#define TEST(function)                                                                 \
    cmocka_unit_test_setup_teardown(function, example_set_up, example_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(their_size_follows_from_the_data),
                                       TEST(they_follow_the_chunks_of_every_shard),
                                       TEST(rows_before_are_counted),
                                       TEST(rows_of_a_file_have_blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
