/* A step is a list of slots in the rows that its lanes keep: all of them, or those of a
   window. */
#include "data/feed.h"

#include "core/clock.h"
#include "core/integers.h"
#include "data/lanes_private.h"
#include "data/prefetch.h"

#include <string.h>

/* One lane: the rows that it keeps, and where those of the prepared step lie. */
typedef struct lane_feed {
    int64_t batch_rows; /* b */
    int64_t *slot;      /* [b]: in front; FROM_LEFT: the same index in left */
    flo_window *front;  /* gives rows; of a resident lane all of them */
    bool loaded;        /* front holds them */
    flo_window window[2];
    /* Resident: where in front the rows of the data lie. */
    int64_t pieces;
    int64_t *row;   /* [pieces], first of a piece, ascending */
    int64_t *start; /* [pieces + 1], its slot */
    /* Streaming. */
    flo_window *back; /* the next window, the thread's; NULL: resident */
    flo_batch left;   /* [b], rows copied out of windows that were left */
} lane_feed;

enum { FROM_LEFT = -1 };

struct flo_feed {
    flo_context *context;   /* borrowed */
    flo_rows *rows;         /* borrowed */
    flo_prefetch *prefetch; /* NULL: resident */
    int64_t features, contexts;
    int64_t first_lane, lanes;
    lane_feed *lane; /* [lanes] */
    int64_t bytes, bad_rows;
    double wait_seconds;
};

int64_t flo_feed_needs(const flo_lane_plan *plan, int64_t lanes, int64_t reals,
                       bool streams)
{
    const int64_t row_bytes = reals * (int64_t)sizeof(flo_real);
    const int64_t rows = flo_divide_up(plan->rows, plan->lanes);
    const int64_t step = flo_divide_up(plan->batch, plan->lanes);
    const int64_t window = rows < plan->window_rows ? rows : plan->window_rows;
    const int64_t slots = step * (int64_t)sizeof(int64_t);
    const int64_t order = window * (int64_t)sizeof(int32_t);
    if (!streams)
        return lanes * (rows * row_bytes + order + slots);
    return lanes * (2 * (window * row_bytes + order) + step * row_bytes + slots);
}

static flo_status take_batch(flo_feed *feed, int64_t rows, flo_batch *batch)
{
    const int64_t D = feed->features, C = feed->contexts;
    feed->bytes += rows * (D + C + 1) * (int64_t)sizeof(flo_real);
    FLO_TRY(flo_allocate(feed->context, rows * D, sizeof *batch->x, &batch->x));
    FLO_TRY(
        flo_allocate(feed->context, rows * C, sizeof *batch->context, &batch->context));
    return flo_allocate(feed->context, rows, sizeof *batch->weight, &batch->weight);
}

/* An order, and room for `rows` rows. */
static flo_status take_window(flo_feed *feed, const flo_lane_plan *plan, int64_t lane,
                              int64_t rows, flo_window *window)
{
    const int64_t n = flo_lane_rows(plan, lane);
    feed->bytes +=
        (n < plan->window_rows ? n : plan->window_rows) * (int64_t)sizeof(int32_t);
    FLO_TRY(flo_lane_order_create(feed->context, plan, lane, &window->order));
    return take_batch(feed, rows, &window->held);
}

/* Where each piece of the lane lies when all are held. */
static flo_status lay_out(flo_feed *feed, const flo_piece *piece, lane_feed *lane)
{
    FLO_TRY(flo_allocate(feed->context, lane->pieces, sizeof *lane->row, &lane->row));
    FLO_TRY(flo_allocate(feed->context, lane->pieces + 1, sizeof *lane->start,
                         &lane->start));
    for (int64_t i = 0; i < lane->pieces; ++i) {
        lane->row[i] = piece[i].first;
        lane->start[i + 1] = lane->start[i] + piece[i].count;
    }
    return FLO_OK;
}

static flo_status create_resident(flo_feed *feed, const flo_lane_plan *plan,
                                  int64_t number, lane_feed *lane)
{
    flo_piece *piece;
    FLO_TRY(take_window(feed, plan, number, flo_lane_rows(plan, number), lane->front));
    FLO_TRY(flo_lane_pieces(feed->context, plan, number, &piece, &lane->pieces));
    const flo_status status = lay_out(feed, piece, lane);
    flo_free(feed->context, &piece);
    return status;
}

static flo_status create_streaming(flo_feed *feed, const flo_lane_plan *plan,
                                   int64_t number, lane_feed *lane)
{
    const int64_t n = flo_lane_rows(plan, number);
    const int64_t rows = n < plan->window_rows ? n : plan->window_rows;
    lane->back = &lane->window[1];
    FLO_TRY(take_window(feed, plan, number, rows, lane->front));
    FLO_TRY(take_window(feed, plan, number, rows, lane->back));
    return take_batch(feed, lane->batch_rows, &lane->left);
}

static flo_status create_lane(flo_feed *feed, const flo_feed_task *task, int64_t index)
{
    lane_feed *const lane = &feed->lane[index];
    const int64_t number = feed->first_lane + index;
    lane->batch_rows = flo_lane_batch_rows(task->plan, number);
    lane->front = &lane->window[0];
    feed->bytes += lane->batch_rows * (int64_t)sizeof *lane->slot;
    FLO_TRY(
        flo_allocate(feed->context, lane->batch_rows, sizeof *lane->slot, &lane->slot));
    return task->streams ? create_streaming(feed, task->plan, number, lane)
                         : create_resident(feed, task->plan, number, lane);
}

static flo_status create(flo_feed *feed, const flo_feed_task *task)
{
    const int64_t lanes = task->last_lane - task->first_lane;
    FLO_TRY(flo_allocate(feed->context, lanes, sizeof *feed->lane, &feed->lane));
    feed->lanes = lanes;
    for (int64_t i = 0; i < lanes; ++i)
        FLO_TRY(create_lane(feed, task, i));
    if (!task->streams)
        return FLO_OK;
    return flo_prefetch_create(feed->context, task->settings, task->seed, lanes,
                               &feed->prefetch);
}

flo_status flo_feed_create(flo_context *context, const flo_feed_task *task,
                           flo_feed **feed)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **feed, feed));
    **feed = (flo_feed){.context = context,
                        .rows = task->rows,
                        .features = flo_rows_features(task->rows),
                        .contexts = flo_rows_context_features(task->rows),
                        .first_lane = task->first_lane};
    const flo_status status = create(*feed, task);
    if (status != FLO_OK)
        flo_feed_destroy(feed);
    return status;
}

flo_status flo_feed_shift(flo_feed *feed, const double *origin, const double *factor)
{
    return feed->prefetch ? flo_prefetch_shift(feed->prefetch, origin, factor) : FLO_OK;
}

static void free_batch(flo_context *context, flo_batch *batch)
{
    flo_free(context, &batch->x);
    flo_free(context, &batch->context);
    flo_free(context, &batch->weight);
}

static void free_lane(flo_context *context, lane_feed *lane)
{
    for (int i = 0; i < 2; ++i) {
        flo_lane_order_destroy(&lane->window[i].order);
        free_batch(context, &lane->window[i].held);
    }
    free_batch(context, &lane->left);
    flo_free(context, &lane->row);
    flo_free(context, &lane->start);
    flo_free(context, &lane->slot);
}

void flo_feed_destroy(flo_feed **feed)
{
    if (!*feed)
        return;
    flo_context *const context = (*feed)->context;
    flo_prefetch_destroy(&(*feed)->prefetch); /* before the windows that it fills */
    for (int64_t i = 0; i < (*feed)->lanes; ++i)
        free_lane(context, &(*feed)->lane[i]);
    flo_free(context, &(*feed)->lane);
    flo_free(context, feed);
}

static void copy_row(const flo_feed *feed, const flo_batch *from, int64_t source,
                     flo_batch *to, int64_t target)
{
    const int64_t D = feed->features, C = feed->contexts;
    memcpy(to->x + target * D, from->x + source * D, (size_t)D * sizeof *to->x);
    if (C)
        memcpy(to->context + target * C, from->context + source * C,
               (size_t)C * sizeof *to->context);
    to->weight[target] = from->weight[source];
}

/* Resident: all rows of the lane. */
static flo_status load(flo_feed *feed, lane_feed *lane)
{
    const int64_t D = feed->features, C = feed->contexts;
    flo_window *const front = lane->front;
    front->bad_rows = 0;
    for (int64_t i = 0; i < lane->pieces; ++i) {
        const int64_t slot = lane->start[i], count = lane->start[i + 1] - slot;
        flo_batch part = {0, front->held.x + slot * D,
                          C ? front->held.context + slot * C : NULL,
                          front->held.weight + slot};
        FLO_TRY(
            flo_rows_read(feed->rows, lane->row[i], count, &part, &front->bad_rows));
    }
    feed->bad_rows += front->bad_rows;
    lane->loaded = true;
    return FLO_OK;
}

/* Where the lane's k-th row ever lies in all of its rows. */
static int64_t find_slot(const lane_feed *lane, int64_t k)
{
    const flo_lane_order *const order = lane->front->order;
    if (flo_lane_order_is_whole(order))
        return flo_lane_order_slot(order, k);
    const int64_t row = flo_lane_order_row(order, k);
    const int64_t piece = flo_pieces_find(lane->row, lane->pieces, row);
    return lane->start[piece] + row - lane->row[piece];
}

static flo_status prepare_resident(flo_feed *feed, lane_feed *lane, int64_t step)
{
    if (!lane->loaded)
        FLO_TRY(load(feed, lane));
    for (int64_t i = 0; i < lane->batch_rows; ++i) {
        const int64_t k = step * lane->batch_rows + i;
        bool changed;
        flo_lane_order_seek(lane->front->order, k, &changed);
        lane->slot[i] = find_slot(lane, k);
    }
    return FLO_OK;
}

static bool holds(const lane_feed *lane, int64_t k)
{
    int64_t end;
    return lane->loaded && k >= flo_lane_order_first(lane->front->order, &end) &&
           k < end;
}

/* Copies the step's first `count` rows out of the window that is about to be left. */
static void keep_rows(const flo_feed *feed, lane_feed *lane, int64_t count)
{
    for (int64_t i = 0; i < count; ++i) {
        if (lane->slot[i] == FROM_LEFT)
            continue;
        copy_row(feed, &lane->front->held, lane->slot[i], &lane->left, i);
        lane->slot[i] = FROM_LEFT;
    }
}

/* Takes the window that holds row k, and has the one after it read. */
static flo_status turn(flo_feed *feed, int64_t index, int64_t k)
{
    lane_feed *const lane = &feed->lane[index];
    const int64_t b = lane->batch_rows;
    flo_prefetch_want(feed->prefetch, index, lane->back, k, k / b);
    FLO_TRY(flo_prefetch_wait(feed->prefetch, index));
    flo_window *const taken = lane->back;
    lane->back = lane->front;
    lane->front = taken;
    lane->loaded = true;
    feed->bad_rows += taken->bad_rows;
    int64_t end;
    flo_lane_order_first(taken->order, &end);
    flo_prefetch_want(feed->prefetch, index, lane->back, end, end / b);
    return FLO_OK;
}

static flo_status prepare_streaming(flo_feed *feed, int64_t index, int64_t step)
{
    lane_feed *const lane = &feed->lane[index];
    for (int64_t i = 0; i < lane->batch_rows; ++i) {
        const int64_t k = step * lane->batch_rows + i;
        if (!holds(lane, k)) {
            keep_rows(feed, lane, i);
            FLO_TRY(turn(feed, index, k));
        }
        lane->slot[i] = flo_lane_order_slot(lane->front->order, k);
    }
    return FLO_OK;
}

/* Has the step's own windows read before those after them. */
static void want_first(flo_feed *feed, int64_t step)
{
    for (int64_t i = 0; i < feed->lanes; ++i) {
        lane_feed *const lane = &feed->lane[i];
        const int64_t k = step * lane->batch_rows;
        if (!holds(lane, k))
            flo_prefetch_want(feed->prefetch, i, lane->back, k, step);
    }
}

static flo_status prepare(flo_feed *feed, int64_t step)
{
    if (feed->prefetch)
        want_first(feed, step);
    for (int64_t i = 0; i < feed->lanes; ++i)
        FLO_TRY(feed->prefetch ? prepare_streaming(feed, i, step)
                               : prepare_resident(feed, &feed->lane[i], step));
    return FLO_OK;
}

flo_status flo_feed_prepare(flo_feed *feed, int64_t step)
{
    const double begin = flo_seconds();
    const flo_status status = prepare(feed, step);
    feed->wait_seconds += flo_seconds() - begin;
    return status;
}

void flo_feed_fetch(flo_feed *feed, int64_t lane, flo_batch *batch)
{
    const lane_feed *const source = &feed->lane[lane - feed->first_lane];
    batch->rows = source->batch_rows;
    for (int64_t i = 0; i < source->batch_rows; ++i) {
        const int64_t slot = source->slot[i];
        if (slot == FROM_LEFT)
            copy_row(feed, &source->left, i, batch, i);
        else
            copy_row(feed, &source->front->held, slot, batch, i);
    }
}

int64_t flo_feed_bytes(const flo_feed *feed)
{
    return feed->bytes;
}

int64_t flo_feed_bad_rows(const flo_feed *feed)
{
    return feed->bad_rows;
}

double flo_feed_wait_seconds(const flo_feed *feed)
{
    return feed->wait_seconds;
}
