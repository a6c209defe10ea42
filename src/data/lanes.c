/* The plan of blocks and lanes, and the share of a lane in rows and batches. */
#include "data/lanes_private.h"

#include "config/settings.h"
#include "core/random.h"

#include <stdlib.h>

enum {
    BLOCK_BYTES = 1 << 20,
    LARGEST_CHUNK_BYTES = 1 << 24, /* a larger chunk is cut: the cache helps out */
    BLOCKS_A_LANE = 8              /* at least, where there are rows enough */
};
static const int64_t most_blocks = (int64_t)1 << 30;    /* permuted as int32_t */
static const int64_t largest_window = (int64_t)1 << 30; /* the same */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

/* About 1 MiB, but 8 blocks a lane; then whole chunks where that leaves enough. */
static int64_t choose_block(int64_t rows, int64_t lanes, int64_t row_bytes,
                            int64_t chunk_rows)
{
    const int64_t share = larger(1, rows / lanes / BLOCKS_A_LANE);
    int64_t block = smaller(larger(1, BLOCK_BYTES / row_bytes), share);
    if (chunk_rows > block && chunk_rows <= share &&
        chunk_rows <= LARGEST_CHUNK_BYTES / row_bytes)
        block = chunk_rows;
    else if (chunk_rows > 1 && chunk_rows <= block)
        block -= block % chunk_rows;
    return larger(block, divide_up(rows, most_blocks));
}

/* The whole lane where V windows fit, else as many rows as fit, but a step's at least.
 */
static int64_t choose_window(const flo_lane_plan *plan, int64_t row_bytes,
                             int64_t memory_bytes)
{
    const int64_t whole = divide_up(plan->rows, plan->lanes);
    const int64_t step = divide_up(plan->batch, plan->lanes);
    const int64_t fitting = memory_bytes / plan->lanes / row_bytes;
    return smaller(smaller(whole, larger(fitting, step)), largest_window);
}

flo_status flo_lane_plan_make(flo_context *context, int64_t rows, int64_t lanes,
                              int64_t batch, int64_t row_bytes, int64_t chunk_rows,
                              int64_t memory_bytes, int64_t window_rows, uint64_t seed,
                              flo_lane_plan *plan)
{
    if (batch < lanes)
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "train.batch: found %lld rows a step for %lld lanes, wanted at "
                        "least one row a lane: use a larger train.batch or fewer "
                        "train.lanes",
                        (long long)batch, (long long)lanes);
    if (rows < batch) /* then rows < lanes too */
        return flo_fail(context, FLO_ERROR_DATA,
                        "the training data has %lld rows, wanted at least one batch of "
                        "%lld: use a smaller train.batch or more data",
                        (long long)rows, (long long)batch);
    *plan =
        (flo_lane_plan){.rows = rows,
                        .lanes = lanes,
                        .batch = batch,
                        .block_rows = choose_block(rows, lanes, row_bytes, chunk_rows),
                        .window_rows = window_rows,
                        .seed = seed};
    if (window_rows == FLO_AUTO)
        plan->window_rows = choose_window(plan, row_bytes, memory_bytes);
    return FLO_OK;
}

/* floor(lane * total / lanes) without overflow for any total. */
static int64_t share_first(const flo_lane_plan *plan, int64_t lane, int64_t total)
{
    const int64_t whole = total / plan->lanes, rest = total % plan->lanes;
    return lane * whole + lane * rest / plan->lanes;
}

int64_t flo_lane_rows(const flo_lane_plan *plan, int64_t lane)
{
    return share_first(plan, lane + 1, plan->rows) -
           share_first(plan, lane, plan->rows);
}

int64_t flo_lane_batch_first(const flo_lane_plan *plan, int64_t lane)
{
    return share_first(plan, lane, plan->batch);
}

int64_t flo_lane_batch_rows(const flo_lane_plan *plan, int64_t lane)
{
    return flo_lane_batch_first(plan, lane + 1) - flo_lane_batch_first(plan, lane);
}

/* The blocks in their permuted order; all are full but the last of the data. */
typedef struct block_order {
    int64_t rows, block_rows, blocks;
    int32_t *order;    /* [blocks] */
    int64_t last_at;   /* where the last block of the data stands */
    int64_t last_lack; /* rows that it has fewer than the others */
} block_order;

static flo_status permute_blocks(flo_context *context, const flo_lane_plan *plan,
                                 block_order *blocks)
{
    blocks->rows = plan->rows;
    blocks->block_rows = plan->block_rows;
    blocks->blocks = divide_up(plan->rows, plan->block_rows);
    blocks->last_lack = blocks->blocks * plan->block_rows - plan->rows;
    FLO_TRY(
        flo_allocate(context, blocks->blocks, sizeof *blocks->order, &blocks->order));
    const flo_random_key key = {plan->seed, FLO_RANDOM_BLOCKS, 0, 0};
    flo_random_permutation(key, blocks->blocks, blocks->order);
    while (blocks->order[blocks->last_at] != blocks->blocks - 1)
        ++blocks->last_at;
    return FLO_OK;
}

/* The position of the first row of the block that stands at `at`. */
static int64_t block_position(const block_order *blocks, int64_t at)
{
    return at * blocks->block_rows - (at > blocks->last_at ? blocks->last_lack : 0);
}

/* Where the block stands that holds a position. */
static int64_t block_at(const block_order *blocks, int64_t position)
{
    const int64_t after_last = block_position(blocks, blocks->last_at + 1);
    return position < after_last ? position / blocks->block_rows
                                 : (position + blocks->last_lack) / blocks->block_rows;
}

/* The pieces of positions [first, last) in turn. */
static int64_t cut_blocks(const block_order *blocks, int64_t first, int64_t last,
                          flo_piece *pieces)
{
    int64_t count = 0;
    for (int64_t position = first, at = block_at(blocks, first); position < last;
         ++at) {
        const int64_t begin = block_position(blocks, at);
        const int64_t end = smaller(last, block_position(blocks, at + 1));
        pieces[count++] = (flo_piece){
            blocks->order[at] * blocks->block_rows + position - begin, end - position};
        position = end;
    }
    return count;
}

flo_status flo_lane_cut(flo_context *context, const flo_lane_plan *plan, int64_t lane,
                        flo_piece **pieces, int64_t *count)
{
    *pieces = NULL;
    block_order blocks = {0};
    FLO_TRY(permute_blocks(context, plan, &blocks));
    const int64_t first = share_first(plan, lane, plan->rows);
    const int64_t last = share_first(plan, lane + 1, plan->rows);
    const int64_t most =
        first == last ? 0 : block_at(&blocks, last - 1) - block_at(&blocks, first) + 1;
    const flo_status status = flo_allocate(context, most, sizeof **pieces, pieces);
    if (status == FLO_OK)
        *count = cut_blocks(&blocks, first, last, *pieces);
    flo_free(context, &blocks.order);
    return status;
}

static int by_first(const void *left, const void *right)
{
    const flo_piece *const a = left, *const b = right;
    return (a->first > b->first) - (a->first < b->first);
}

int64_t flo_pieces_join(flo_piece *pieces, int64_t count)
{
    if (count == 0)
        return 0;
    qsort(pieces, (size_t)count, sizeof *pieces, by_first);
    int64_t last = 0;
    for (int64_t i = 1; i < count; ++i)
        if (pieces[last].first + pieces[last].count == pieces[i].first)
            pieces[last].count += pieces[i].count;
        else
            pieces[++last] = pieces[i];
    return last + 1;
}

flo_status flo_lane_pieces(flo_context *context, const flo_lane_plan *plan,
                           int64_t lane, flo_piece **pieces, int64_t *count)
{
    FLO_TRY(flo_lane_cut(context, plan, lane, pieces, count));
    *count = flo_pieces_join(*pieces, *count);
    return FLO_OK;
}
