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
    int64_t window; /* rows of a window at most */
    bool whole;     /* one window holds the lane */
    int64_t count;  /* pieces of blocks */
    flo_piece *base;
    /* Of the present epoch, unless whole. */
    int64_t epoch;        /* -1: none yet */
    int32_t *piece_order; /* [count] */
    int64_t *piece_start; /* [count + 1], the position of a piece in the epoch */
    int64_t windows;
    int64_t *window_start; /* [windows + 1], the position of a window in the epoch */
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
    FLO_TRY(flo_allocate(context, order->count + 1, sizeof *order->piece_start,
                         &order->piece_start));
    /* A window ends at a piece's end, or when it is full. */
    return flo_allocate(context, order->count + order->rows / order->window + 1,
                        sizeof *order->window_start, &order->window_start);
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
        order->windows = 1;
        order->window_start[1] = order->rows;
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
    flo_free(context, &(*order)->window_start);
    flo_free(context, &(*order)->piece);
    flo_free(context, &(*order)->slot_of);
    flo_free(context, &(*order)->row_order);
    flo_free(context, order);
}

/* Whole pieces into each window while they fit; a piece longer than a window fills
   windows of its own, and the next begins with what is left of it. */
static void cut_windows(flo_lane_order *order)
{
    int64_t windows = 0, held = 0, position = 0;
    for (int64_t i = 0; i < order->count; ++i) {
        int64_t left = order->piece_start[i + 1] - order->piece_start[i];
        if (held && held + left > order->window) {
            order->window_start[++windows] = position;
            held = 0;
        }
        position += left;
        for (; left > order->window; left -= order->window)
            order->window_start[++windows] = position - left + order->window;
        held += left;
    }
    order->window_start[++windows] = position;
    order->windows = windows;
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
    cut_windows(order);
}

/* Cuts positions [first, first + count) of the epoch out of its pieces. */
static void gather_pieces(flo_lane_order *order, int64_t first, int64_t count)
{
    order->pieces = 0;
    const int64_t last = first + count;
    for (int64_t i = flo_pieces_find(order->piece_start, order->count, first);
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
    const int64_t epoch = k / order->rows, position = k % order->rows;
    *changed = false;
    int64_t end;
    if (k >= flo_lane_order_first(order, &end) && k < end)
        return;
    *changed = !order->whole || order->epoch < 0;
    if (!order->whole && epoch != order->epoch)
        begin_epoch(order, epoch);
    order->epoch = epoch;
    order->index = flo_pieces_find(order->window_start, order->windows, position);
    const int64_t first = order->window_start[order->index];
    const int64_t count = order->window_start[order->index + 1] - first;
    if (!order->whole)
        gather_pieces(order, first, count);
    permute(order, epoch, order->index + 1, count, order->row_order);
}

int64_t flo_lane_order_first(const flo_lane_order *order, int64_t *end)
{
    *end = 0;
    if (order->epoch < 0)
        return -1;
    *end = order->epoch * order->rows + order->window_start[order->index + 1];
    return order->epoch * order->rows + order->window_start[order->index];
}

bool flo_lane_order_is_whole(const flo_lane_order *order)
{
    return order->whole;
}

const flo_piece *flo_lane_order_pieces(const flo_lane_order *order, int64_t *count)
{
    *count = order->pieces;
    return order->piece;
}

int64_t flo_lane_order_slot(const flo_lane_order *order, int64_t k)
{
    int64_t end;
    const int64_t first = flo_lane_order_first(order, &end);
    assert(k >= first && k < end);
    (void)end;
    return order->row_order[k - first];
}

int64_t flo_lane_order_row(const flo_lane_order *order, int64_t k)
{
    const int64_t slot = flo_lane_order_slot(order, k);
    const int64_t piece = flo_pieces_find(order->slot_of, order->pieces, slot);
    return order->piece[piece].first + slot - order->slot_of[piece];
}
