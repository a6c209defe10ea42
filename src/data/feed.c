/* A window's rows in a buffer a lane; a step is a list of slots in it. */
#include "data/feed.h"

#include <string.h>
#include <time.h>

/* One lane: the rows of its window, and where those of the prepared step lie. */
typedef struct lane_feed {
    flo_lane_order *order;
    int64_t batch_rows; /* b */
    bool loaded;        /* the buffer holds the window that the order stands at */
    flo_batch window;   /* room for the rows of a window */
    flo_batch left;     /* [b], rows copied out of windows that were left */
    int64_t *slot;      /* [b]: in window; FROM_LEFT: the same index in left */
} lane_feed;

enum { FROM_LEFT = -1 };

struct flo_feed {
    flo_context *context; /* borrowed */
    flo_rows *rows;       /* borrowed */
    int64_t features, contexts;
    int64_t first_lane, lanes;
    lane_feed *lane; /* [lanes] */
    int64_t bytes, bad_rows;
    double wait_seconds;
};

static flo_status take_batch(flo_feed *feed, int64_t rows, flo_batch *batch)
{
    const int64_t D = feed->features, C = feed->contexts;
    feed->bytes += rows * (D + C + 1) * (int64_t)sizeof(flo_real);
    FLO_TRY(flo_allocate(feed->context, rows * D, sizeof *batch->x, &batch->x));
    FLO_TRY(
        flo_allocate(feed->context, rows * C, sizeof *batch->context, &batch->context));
    return flo_allocate(feed->context, rows, sizeof *batch->weight, &batch->weight);
}

static flo_status create_lane(flo_feed *feed, const flo_lane_plan *plan, int64_t index)
{
    lane_feed *const lane = &feed->lane[index];
    const int64_t number = feed->first_lane + index;
    const int64_t rows = flo_lane_rows(plan, number);
    lane->batch_rows = flo_lane_batch_rows(plan, number);
    FLO_TRY(flo_lane_order_create(feed->context, plan, number, &lane->order));
    FLO_TRY(take_batch(feed, rows < plan->window_rows ? rows : plan->window_rows,
                       &lane->window));
    FLO_TRY(take_batch(feed, lane->batch_rows, &lane->left));
    return flo_allocate(feed->context, lane->batch_rows, sizeof *lane->slot,
                        &lane->slot);
}

flo_status flo_feed_create(flo_context *context, flo_rows *rows,
                           const flo_lane_plan *plan, int64_t first_lane,
                           int64_t last_lane, flo_feed **feed)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **feed, feed));
    flo_feed *const made = *feed;
    made->context = context;
    made->rows = rows;
    made->features = flo_rows_features(rows);
    made->contexts = flo_rows_context_features(rows);
    made->first_lane = first_lane;
    flo_status status =
        flo_allocate(context, last_lane - first_lane, sizeof *made->lane, &made->lane);
    if (status == FLO_OK)
        made->lanes = last_lane - first_lane;
    for (int64_t i = 0; status == FLO_OK && i < made->lanes; ++i)
        status = create_lane(made, plan, i);
    if (status != FLO_OK)
        flo_feed_destroy(feed);
    return status;
}

static void free_batch(flo_context *context, flo_batch *batch)
{
    flo_free(context, &batch->x);
    flo_free(context, &batch->context);
    flo_free(context, &batch->weight);
}

void flo_feed_destroy(flo_feed **feed)
{
    if (!*feed)
        return;
    flo_context *const context = (*feed)->context;
    for (int64_t i = 0; i < (*feed)->lanes; ++i) {
        lane_feed *const lane = &(*feed)->lane[i];
        flo_lane_order_destroy(&lane->order);
        free_batch(context, &lane->window);
        free_batch(context, &lane->left);
        flo_free(context, &lane->slot);
    }
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

/* Copies the step's first `count` rows out of the window that is about to be left. */
static void keep_rows(const flo_feed *feed, lane_feed *lane, int64_t count)
{
    for (int64_t i = 0; i < count; ++i) {
        if (lane->slot[i] == FROM_LEFT)
            continue;
        copy_row(feed, &lane->window, lane->slot[i], &lane->left, i);
        lane->slot[i] = FROM_LEFT;
    }
}

static flo_status load_window(flo_feed *feed, lane_feed *lane)
{
    const int64_t D = feed->features, C = feed->contexts;
    int64_t count, slot = 0;
    const flo_piece *const pieces = flo_lane_order_pieces(lane->order, &count);
    for (int64_t i = 0; i < count; ++i) {
        flo_batch part = {0, lane->window.x + slot * D,
                          C ? lane->window.context + slot * C : NULL,
                          lane->window.weight + slot};
        FLO_TRY(flo_rows_read(feed->rows, pieces[i].first, pieces[i].count, &part,
                              &feed->bad_rows));
        slot += pieces[i].count;
    }
    lane->window.rows = slot;
    lane->loaded = true;
    return FLO_OK;
}

static flo_status prepare_lane(flo_feed *feed, lane_feed *lane, int64_t step)
{
    for (int64_t i = 0; i < lane->batch_rows; ++i) {
        const int64_t k = step * lane->batch_rows + i;
        bool changed;
        flo_lane_order_seek(lane->order, k, &changed);
        if (changed || !lane->loaded) {
            keep_rows(feed, lane, i);
            lane->loaded = false;
            FLO_TRY(load_window(feed, lane));
        }
        lane->slot[i] = flo_lane_order_slot(lane->order, k);
    }
    return FLO_OK;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

flo_status flo_feed_prepare(flo_feed *feed, int64_t step)
{
    const double begin = seconds_now();
    flo_status status = FLO_OK;
    for (int64_t i = 0; status == FLO_OK && i < feed->lanes; ++i)
        status = prepare_lane(feed, &feed->lane[i], step);
    feed->wait_seconds += seconds_now() - begin;
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
            copy_row(feed, &source->window, slot, batch, i);
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
