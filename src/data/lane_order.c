/* The order of a lane's rows: epoch by epoch, window by window. */
#include "data/lanes_private.h"

#include "core/random.h"

#include <assert.h>
#include <string.h>

struct flo_lane_order {
    flo_context *context; /* borrowed */
    uint64_t seed;
    int64_t lane;
    int64_t rows;   /* n */
    int64_t window; /* rows of a full window */
    bool whole;     /* one window holds the lane */
    int64_t count;  /* pieces of blocks */
    flo_piece *base;
    /* Of the present epoch, unless whole. */
    int64_t epoch;        /* -1: none yet */
    int32_t *piece_order; /* [count] */
    int64_t *piece_start; /* [count + 1], the position of a piece in the epoch */
    /* Of the present window. */
    int64_t index; /* of the window in the epoch */
    int64_t pieces;
    flo_piece *piece;   /* [pieces] as they lie in the buffer */
    int64_t *slot_of;   /* [pieces + 1], the slot of the first row of a piece */
    int32_t *row_order; /* [rows of the window]: the slot of its i-th row */
};

/* Permutation 0 of an epoch is that of its pieces, w + 1 that of the rows of window w.
 */
static void permute(const flo_lane_order *order, int64_t epoch, int64_t which,
                    int64_t count, int32_t *permutation)
{
    const flo_random_key key = {order->seed, FLO_RANDOM_EPOCH,
                                (uint64_t)epoch << 32 | (uint64_t)which,
                                (uint32_t)order->lane};
    flo_random_permutation(key, count, permutation);
}

static int64_t window_count(const flo_lane_order *order, int64_t index)
{
    const int64_t left = order->rows - index * order->window;
    return left < order->window ? left : order->window;
}

/* Joins the window's pieces and notes the slots at which they begin. */
static void lay_out(flo_lane_order *order)
{
    order->pieces = flo_pieces_join(order->piece, order->pieces);
    int64_t slot = 0;
    for (int64_t i = 0; i < order->pieces; ++i) {
        order->slot_of[i] = slot;
        slot += order->piece[i].count;
    }
    order->slot_of[order->pieces] = slot;
}

static flo_status take_memory(flo_lane_order *order)
{
    flo_context *const context = order->context;
    FLO_TRY(flo_allocate(context, order->count, sizeof *order->piece, &order->piece));
    FLO_TRY(flo_allocate(context, order->count + 1, sizeof *order->slot_of,
                         &order->slot_of));
    FLO_TRY(flo_allocate(context, order->window, sizeof *order->row_order,
                         &order->row_order));
    FLO_TRY(flo_allocate(context, order->count, sizeof *order->piece_order,
                         &order->piece_order));
    return flo_allocate(context, order->count + 1, sizeof *order->piece_start,
                        &order->piece_start);
}

static flo_status fill(flo_lane_order *order, const flo_lane_plan *plan)
{
    if (order->window > INT32_MAX)
        return flo_fail(order->context, FLO_ERROR_CONFIG,
                        "data.window_rows: found a window of %lld rows, wanted at most "
                        "%d: set a smaller one or use more train.lanes",
                        (long long)order->window, INT32_MAX);
    FLO_TRY(
        flo_lane_cut(order->context, plan, order->lane, &order->base, &order->count));
    FLO_TRY(take_memory(order));
    if (order->whole) {
        order->pieces = order->count;
        memcpy(order->piece, order->base, (size_t)order->count * sizeof *order->piece);
        lay_out(order);
    }
    return FLO_OK;
}

flo_status flo_lane_order_create(flo_context *context, const flo_lane_plan *plan,
                                 int64_t lane, flo_lane_order **order)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **order, order));
    const int64_t rows = flo_lane_rows(plan, lane);
    **order =
        (flo_lane_order){.context = context,
                         .seed = plan->seed,
                         .lane = lane,
                         .rows = rows,
                         .whole = rows <= plan->window_rows,
                         .window = rows <= plan->window_rows ? rows : plan->window_rows,
                         .epoch = -1,
                         .index = -1};
    const flo_status status = fill(*order, plan);
    if (status != FLO_OK)
        flo_lane_order_destroy(order);
    return status;
}

void flo_lane_order_destroy(flo_lane_order **order)
{
    if (!*order)
        return;
    flo_context *const context = (*order)->context;
    flo_free(context, &(*order)->base);
    flo_free(context, &(*order)->piece_order);
    flo_free(context, &(*order)->piece_start);
    flo_free(context, &(*order)->piece);
    flo_free(context, &(*order)->slot_of);
    flo_free(context, &(*order)->row_order);
    flo_free(context, order);
}

static void begin_epoch(flo_lane_order *order, int64_t epoch)
{
    permute(order, epoch, 0, order->count, order->piece_order);
    int64_t position = 0;
    for (int64_t i = 0; i < order->count; ++i) {
        order->piece_start[i] = position;
        position += order->base[order->piece_order[i]].count;
    }
    order->piece_start[order->count] = position;
}

/* The last of start [0 .. count] (ascending, start[0] == 0) that is <= position. */
static int64_t find(const int64_t *start, int64_t count, int64_t position)
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

/* Cuts positions [first, first + count) of the epoch out of its pieces. */
static void gather_pieces(flo_lane_order *order, int64_t first, int64_t count)
{
    order->pieces = 0;
    const int64_t last = first + count;
    for (int64_t i = find(order->piece_start, order->count, first);
         i < order->count && order->piece_start[i] < last; ++i) {
        const flo_piece whole = order->base[order->piece_order[i]];
        const int64_t begin = order->piece_start[i], end = order->piece_start[i + 1];
        const int64_t from = first > begin ? first : begin;
        const int64_t to = last < end ? last : end;
        order->piece[order->pieces++] =
            (flo_piece){whole.first + from - begin, to - from};
    }
    lay_out(order);
}

void flo_lane_order_seek(flo_lane_order *order, int64_t k, bool *changed)
{
    const int64_t epoch = k / order->rows;
    const int64_t index = k % order->rows / order->window;
    *changed = false;
    if (epoch == order->epoch && index == order->index)
        return;
    *changed = !order->whole || order->epoch < 0;
    if (!order->whole) {
        if (epoch != order->epoch)
            begin_epoch(order, epoch);
        gather_pieces(order, index * order->window, window_count(order, index));
    }
    permute(order, epoch, index + 1, window_count(order, index), order->row_order);
    order->epoch = epoch;
    order->index = index;
}

const flo_piece *flo_lane_order_pieces(const flo_lane_order *order, int64_t *count)
{
    *count = order->pieces;
    return order->piece;
}

int64_t flo_lane_order_slot(const flo_lane_order *order, int64_t k)
{
    assert(k / order->rows == order->epoch);
    assert(k % order->rows / order->window == order->index);
    return order->row_order[k % order->rows % order->window];
}

int64_t flo_lane_order_row(const flo_lane_order *order, int64_t k)
{
    const int64_t slot = flo_lane_order_slot(order, k);
    const int64_t piece = find(order->slot_of, order->pieces, slot);
    return order->piece[piece].first + slot - order->slot_of[piece];
}
