/* Moments of columns: sums by lane around one shift, lanes added in the tree's order.
 */
#include "data/statistics.h"

#include "core/lane_tree.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    PIECE_BYTES = 1 << 20, /* of rows that are read and summed at a time */
    SHIFT_ROWS = 1024,     /* the shift is the mean of so many first rows */
    SHARED_DOUBLES = 1 << 20
};

/* Sums of one lane over rows of weight w > 0, d = x - shift. */
typedef struct lane_sums {
    double weight;  /* sum of w */
    double *first;  /* [columns], sum of w d */
    double *second; /* [columns], sum of w d^2 */
} lane_sums;

typedef struct collection {
    flo_comm *comm;       /* borrowed */
    flo_context *context; /* borrowed */
    flo_rows *rows;       /* borrowed */
    const flo_lane_plan *plan;
    const flo_row_map *map; /* borrowed; NULL: none */
    int64_t features, contexts, columns;
    flo_batch piece; /* room for piece_rows */
    int64_t piece_rows;
    double *shift;                 /* [columns] */
    int64_t first_lane, last_lane; /* of this rank */
    double *weight;                /* [V], 0 for the lanes of other ranks */
    double *first, *second;        /* [own lanes, columns] */
} collection;

static flo_status prepare(collection *c, flo_statistics *statistics)
{
    flo_context *const context = c->context;
    const int64_t own = c->last_lane - c->first_lane, columns = c->columns;
    const int64_t fitting = PIECE_BYTES / ((columns + 1) * (int64_t)sizeof(flo_real));
    c->piece_rows = fitting > 1 ? fitting : 1;
    FLO_TRY(flo_allocate(context, c->piece_rows * c->features, sizeof *c->piece.x,
                         &c->piece.x));
    FLO_TRY(flo_allocate(context, c->piece_rows * c->contexts, sizeof *c->piece.context,
                         &c->piece.context));
    FLO_TRY(flo_allocate(context, c->piece_rows, sizeof *c->piece.weight,
                         &c->piece.weight));
    FLO_TRY(flo_allocate(context, columns, sizeof *c->shift, &c->shift));
    FLO_TRY(flo_allocate(context, c->plan->lanes, sizeof *c->weight, &c->weight));
    FLO_TRY(flo_allocate(context, own * columns, sizeof *c->first, &c->first));
    FLO_TRY(flo_allocate(context, own * columns, sizeof *c->second, &c->second));
    statistics->columns = columns;
    FLO_TRY(flo_allocate(context, columns, sizeof(double), &statistics->mean));
    FLO_TRY(flo_allocate(context, columns, sizeof(double), &statistics->deviation));
    FLO_TRY(flo_allocate(context, columns, sizeof(double), &statistics->low));
    FLO_TRY(flo_allocate(context, columns, sizeof(double), &statistics->high));
    for (int64_t j = 0; j < columns; ++j) {
        statistics->low[j] = INFINITY;
        statistics->high[j] = -INFINITY;
    }
    return FLO_OK;
}

static void release(collection *c)
{
    flo_free(c->context, &c->piece.x);
    flo_free(c->context, &c->piece.context);
    flo_free(c->context, &c->piece.weight);
    flo_free(c->context, &c->shift);
    flo_free(c->context, &c->weight);
    flo_free(c->context, &c->first);
    flo_free(c->context, &c->second);
}

/* At most piece_rows rows from `first` on into the piece, through the map. */
static flo_status read_piece(collection *c, int64_t first, int64_t left, int64_t *bad)
{
    const int64_t count = left < c->piece_rows ? left : c->piece_rows;
    FLO_TRY(flo_rows_read(c->rows, first, count, &c->piece, bad));
    return c->map ? c->map->apply(c->map->data, first, &c->piece) : FLO_OK;
}

/* The shift need only be near the data: the mean of the first rows is, even where the
   first row of all is far from the rest. Rank 0 takes it, so all ranks have the same.
 */
static flo_status read_shift(collection *c)
{
    double rows = 0;
    const int64_t total = flo_rows_count(c->rows);
    for (int64_t first = 0; first < total && first < SHIFT_ROWS;
         first += c->piece_rows) {
        const int64_t left = (total < SHIFT_ROWS ? total : SHIFT_ROWS) - first;
        FLO_TRY(read_piece(c, first, left, NULL));
        for (int64_t i = 0; i < c->piece.rows; ++i) {
            if (!(c->piece.weight[i] > 0))
                continue;
            ++rows;
            for (int64_t j = 0; j < c->features; ++j)
                c->shift[j] += (double)c->piece.x[i * c->features + j];
            for (int64_t j = 0; j < c->contexts; ++j)
                c->shift[c->features + j] +=
                    (double)c->piece.context[i * c->contexts + j];
        }
    }
    for (int64_t j = 0; rows > 0 && j < c->columns; ++j)
        c->shift[j] /= rows;
    return FLO_OK;
}

/* Adds row x [n] of weight w to the sums of n columns. */
static void add_row(int64_t n, const flo_real *restrict x, double w,
                    const double *restrict shift, double *restrict first,
                    double *restrict second, double *restrict low,
                    double *restrict high)
{
    for (int64_t j = 0; j < n; ++j) {
        const double value = (double)x[j];
        const double d = value - shift[j];
        first[j] += w * d;
        second[j] += w * d * d;
        low[j] = value < low[j] ? value : low[j];
        high[j] = value > high[j] ? value : high[j];
    }
}

static void add_piece(const collection *c, lane_sums *sums, flo_statistics *statistics)
{
    const int64_t D = c->features, C = c->contexts;
    double *const low = statistics->low, *const high = statistics->high;
    for (int64_t i = 0; i < c->piece.rows; ++i) {
        const double w = (double)c->piece.weight[i];
        if (!(w > 0))
            continue;
        ++statistics->rows;
        sums->weight += w;
        add_row(D, c->piece.x + i * D, w, c->shift, sums->first, sums->second, low,
                high);
        if (C)
            add_row(C, c->piece.context + i * C, w, c->shift + D, sums->first + D,
                    sums->second + D, low + D, high + D);
    }
}

static flo_status sum_lane(collection *c, int64_t lane, flo_statistics *statistics)
{
    flo_piece *pieces;
    int64_t count;
    FLO_TRY(flo_lane_pieces(c->context, c->plan, lane, &pieces, &count));
    const int64_t own = lane - c->first_lane;
    lane_sums sums = {0, c->first + own * c->columns, c->second + own * c->columns};
    flo_status status = FLO_OK;
    for (int64_t p = 0; p < count; ++p)
        for (int64_t done = 0; status == FLO_OK && done < pieces[p].count;
             done += c->piece_rows) {
            status = read_piece(c, pieces[p].first + done, pieces[p].count - done,
                                &statistics->bad_rows);
            if (status == FLO_OK)
                add_piece(c, &sums, statistics);
        }
    c->weight[lane] = sums.weight;
    flo_free(c->context, &pieces);
    return status;
}

static flo_status sum_lanes(collection *c, flo_statistics *statistics)
{
    for (int64_t lane = c->first_lane; lane < c->last_lane; ++lane)
        FLO_TRY(sum_lane(c, lane, statistics));
    return FLO_OK;
}

/* The sums over all lanes of columns [begin, begin + count), through slots
   [count, 2, V] in which every rank fills in its own lanes. */
static void share_columns(const collection *c, int64_t begin, int64_t count,
                          double *slots, flo_statistics *statistics)
{
    const int64_t V = c->plan->lanes;
    memset(slots, 0, (size_t)(count * 2 * V) * sizeof *slots);
    for (int64_t lane = c->first_lane; lane < c->last_lane; ++lane)
        for (int64_t j = 0; j < count; ++j) {
            const int64_t at = (lane - c->first_lane) * c->columns + begin + j;
            slots[(2 * j) * V + lane] = c->first[at];
            slots[(2 * j + 1) * V + lane] = c->second[at];
        }
    flo_comm_share(c->comm, slots, count * 2 * V);
    for (int64_t j = 0; j < count; ++j) {
        const double mean =
            flo_lane_sum_doubles(V, slots + 2 * j * V) / statistics->weight;
        const double square =
            flo_lane_sum_doubles(V, slots + (2 * j + 1) * V) / statistics->weight;
        const double variance = square - mean * mean;
        statistics->mean[begin + j] = c->shift[begin + j] + mean;
        statistics->deviation[begin + j] = variance > 0 ? sqrt(variance) : 0;
    }
}

/* Everything here is the same on all ranks, failure too. */
static flo_status combine(collection *c, double *slots, int64_t columns_at_once,
                          flo_statistics *statistics)
{
    flo_comm_share(c->comm, c->weight, c->plan->lanes);
    statistics->weight = flo_lane_sum_doubles(c->plan->lanes, c->weight);
    flo_comm_sum_integers(c->comm, &statistics->rows, 1);
    flo_comm_sum_integers(c->comm, &statistics->bad_rows, 1);
    flo_comm_minimum(c->comm, statistics->low, c->columns);
    flo_comm_maximum(c->comm, statistics->high, c->columns);
    if (statistics->rows == 0)
        return flo_rows_fail_weightless(c->rows);
    for (int64_t begin = 0; begin < c->columns; begin += columns_at_once) {
        const int64_t left = c->columns - begin;
        share_columns(c, begin, left < columns_at_once ? left : columns_at_once, slots,
                      statistics);
    }
    return FLO_OK;
}

static flo_status collect(collection *c, flo_statistics *statistics)
{
    flo_comm *const comm = c->comm;
    const int64_t fitting = SHARED_DOUBLES / (2 * c->plan->lanes);
    const int64_t columns_at_once = fitting > 1 ? fitting : 1;
    double *slots = NULL;
    flo_status status = prepare(c, statistics);
    if (status == FLO_OK)
        status = flo_allocate(c->context, columns_at_once * 2 * c->plan->lanes,
                              sizeof *slots, &slots);
    if (status == FLO_OK && flo_comm_rank(comm) == 0)
        status = read_shift(c);
    status = flo_comm_agree(comm, c->context, status);
    if (status == FLO_OK) {
        flo_comm_broadcast(comm, c->shift, c->columns * (int64_t)sizeof *c->shift);
        status = flo_comm_agree(comm, c->context, sum_lanes(c, statistics));
    }
    if (status == FLO_OK)
        status = combine(c, slots, columns_at_once, statistics);
    flo_free(c->context, &slots);
    return status;
}

flo_status flo_statistics_collect(flo_comm *comm, flo_context *context, flo_rows *rows,
                                  const flo_lane_plan *plan, const flo_row_map *map,
                                  flo_statistics *statistics)
{
    const int64_t features = flo_rows_features(rows);
    const int64_t contexts = flo_rows_context_features(rows);
    const int rank = flo_comm_rank(comm), size = flo_comm_size(comm);
    collection c = {.comm = comm,
                    .context = context,
                    .rows = rows,
                    .plan = plan,
                    .map = map,
                    .features = features,
                    .contexts = contexts,
                    .columns = features + contexts,
                    .first_lane = flo_lane_first(plan->lanes, size, rank),
                    .last_lane = flo_lane_first(plan->lanes, size, rank + 1)};
    *statistics = (flo_statistics){0};
    const flo_status status = collect(&c, statistics);
    release(&c);
    if (status != FLO_OK)
        flo_statistics_free(context, statistics);
    return status;
}

void flo_statistics_free(flo_context *context, flo_statistics *statistics)
{
    flo_free(context, &statistics->mean);
    flo_free(context, &statistics->deviation);
    flo_free(context, &statistics->low);
    flo_free(context, &statistics->high);
}
