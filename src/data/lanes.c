/* The plan of blocks and lanes, and the share of a lane in rows and batches. */
#include "data/lanes_private.h"

#include "config/settings.h"
#include "core/checksum.h"
#include "core/integers.h"
#include "core/random.h"

#include <stdlib.h>

static const int64_t largest_window = (int64_t)1 << 30; /* permuted as int32_t */

/* A row of a window has its place in the window's order beside it; a step's rows may be
   kept twice. */
static int64_t choose_window(const flo_lane_plan *plan, const flo_lane_memory *memory)
{
    const int64_t row_bytes = memory->row_bytes + (int64_t)sizeof(int64_t);
    const int64_t whole = flo_divide_up(plan->rows, plan->lanes);
    const int64_t step = flo_divide_up(plan->batch, plan->lanes);
    const int64_t fitting =
        (memory->bytes - memory->reader_bytes) / plan->lanes / row_bytes;
    return flo_lesser(flo_lesser(whole, fitting >= whole
                                            ? whole
                                            : flo_greater((fitting - step) / 2, step)),
                      largest_window);
}

flo_status flo_lane_plan_make(flo_context *context, const flo_lane_memory *memory,
                              flo_lane_plan *plan)
{
    if (plan->batch < plan->lanes)
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "train.batch: found %lld rows a step for %lld lanes, wanted at "
                        "least one row a lane: use a larger train.batch or fewer "
                        "train.lanes",
                        (long long)plan->batch, (long long)plan->lanes);
    if (plan->rows < plan->batch) /* then rows < lanes too */
        return flo_fail(context, FLO_ERROR_DATA,
                        "the training data has %lld rows, wanted at least one batch of "
                        "%lld: use a smaller train.batch or more data",
                        (long long)plan->rows, (long long)plan->batch);
    if (plan->window_rows == FLO_AUTO)
        plan->window_rows = choose_window(plan, memory);
    return FLO_OK;
}

uint64_t flo_lane_plan_blocks(const flo_lane_plan *plan)
{
    const int64_t even[2] = {plan->rows, plan->block_rows};
    return plan->block_first
               ? flo_checksum(plan->block_first,
                              (size_t)(plan->blocks + 1) * sizeof *plan->block_first)
               : flo_checksum(even, sizeof even);
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

/* The blocks in their permuted order. */
typedef struct block_order {
    const flo_lane_plan *plan;
    int64_t blocks;
    int32_t *order;    /* [blocks] */
    int64_t *position; /* [blocks + 1]: where the i-th of them begins, and N */
} block_order;

static int64_t block_first(const flo_lane_plan *plan, int64_t block)
{
    return plan->block_first ? plan->block_first[block]
                             : flo_lesser(plan->rows, block * plan->block_rows);
}

static flo_status permute_blocks(flo_context *context, const flo_lane_plan *plan,
                                 block_order *blocks)
{
    blocks->plan = plan;
    blocks->blocks =
        plan->block_first ? plan->blocks : flo_divide_up(plan->rows, plan->block_rows);
    FLO_TRY(
        flo_allocate(context, blocks->blocks, sizeof *blocks->order, &blocks->order));
    FLO_TRY(flo_allocate(context, blocks->blocks + 1, sizeof *blocks->position,
                         &blocks->position));
    const flo_random_key key = {plan->seed, FLO_RANDOM_BLOCKS, 0, 0};
    flo_random_permutation(key, blocks->blocks, blocks->order);
    for (int64_t i = 0; i < blocks->blocks; ++i)
        blocks->position[i + 1] = blocks->position[i] +
                                  block_first(plan, blocks->order[i] + 1) -
                                  block_first(plan, blocks->order[i]);
    return FLO_OK;
}

/* The pieces of positions [first, last) in turn, from the at-th block on. */
static int64_t cut_blocks(const block_order *blocks, int64_t first, int64_t last,
                          int64_t at, flo_piece *pieces)
{
    int64_t count = 0;
    for (int64_t position = first; position < last; ++at) {
        const int64_t begin = blocks->position[at];
        const int64_t end = flo_lesser(last, blocks->position[at + 1]);
        pieces[count++] =
            (flo_piece){block_first(blocks->plan, blocks->order[at]) + position - begin,
                        end - position};
        position = end;
    }
    return count;
}

static flo_status cut_lane(flo_context *context, const block_order *blocks,
                           int64_t lane, flo_piece **pieces, int64_t *count)
{
    const int64_t first = share_first(blocks->plan, lane, blocks->plan->rows);
    const int64_t last = share_first(blocks->plan, lane + 1, blocks->plan->rows);
    *count = 0;
    if (first == last)
        return flo_allocate(context, 0, sizeof **pieces, pieces);
    const int64_t begin = flo_pieces_find(blocks->position, blocks->blocks, first);
    const int64_t end = flo_pieces_find(blocks->position, blocks->blocks, last - 1) + 1;
    FLO_TRY(flo_allocate(context, end - begin, sizeof **pieces, pieces));
    *count = cut_blocks(blocks, first, last, begin, *pieces);
    return FLO_OK;
}

flo_status flo_lane_cut(flo_context *context, const flo_lane_plan *plan, int64_t lane,
                        flo_piece **pieces, int64_t *count)
{
    *pieces = NULL;
    block_order blocks = {0};
    flo_status status = permute_blocks(context, plan, &blocks);
    if (status == FLO_OK)
        status = cut_lane(context, &blocks, lane, pieces, count);
    flo_free(context, &blocks.order);
    flo_free(context, &blocks.position);
    return status;
}

int64_t flo_pieces_find(const int64_t *start, int64_t count, int64_t position)
{
    int64_t low = 0, high = count;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (start[middle] <= position)
            low = middle;
        else
            high = middle;
    }
    return low;
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
