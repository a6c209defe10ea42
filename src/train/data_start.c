/* The start from data: tiles of rows that go through the flow layer by layer, their
   sums kept by tile and added in the order of tiles. */
#include "train/data_start.h"

#include "core/integers.h"
#include "core/lane_tree.h"
#include "flow/tiles.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum { MOST_TILES = 16, MOST_ROWS = MOST_TILES * FLO_TILE_ROWS, LEAST_RUNS = 16 };
static const int64_t decoded_most = (int64_t)1 << 28; /* bytes: about a second */

/* Streams of FLO_RANDOM_START; flo_workspace_sample takes 0 and 1. */
enum { STREAM_SAMPLES = 0, STREAM_ROWS = 2 };

typedef struct walk {
    flo_comm *comm;       /* borrowed */
    flo_arena *arena;     /* of the walk alone */
    const flo_flow *flow; /* borrowed */
    flo_rows *rows;       /* borrowed; NULL: samples of the base */
    int threads;
    int64_t count, tiles; /* start rows in all, in tiles of FLO_TILE_ROWS */
    int64_t run_rows;     /* start rows that adjoin in the data */
    int64_t first, last;  /* tiles of this rank */
    flo_workspace *tile;  /* [last - first] */
    flo_real **scratch;   /* [threads] */
    double *slots;        /* [tiles, 2, D]: sums by tile, 0 for those of other ranks */
    double *weight;       /* [tiles] */
    double total;         /* weight of all rows */
    double *mean, *deviation; /* [D] */
} walk;

/* How many layers start from data, and the last of them; -1 if none does. */
static int64_t count_layers(const flo_flow *flow, int64_t *last)
{
    int64_t count = 0;
    *last = -1;
    for (int64_t k = 0; k < flow->layers; k++)
        if (flow->layer[k].bijection->kind->starts_from_data) {
            *last = k;
            count++;
        }
    return count;
}

static flo_status take(walk *w)
{
    const int64_t D = w->flow->features, own = w->last - w->first;
    flo_arena *const arena = w->arena;
    FLO_TRY(flo_arena_take(arena, w->tiles * 2 * D, sizeof *w->slots, &w->slots));
    FLO_TRY(flo_arena_take(arena, w->tiles, sizeof *w->weight, &w->weight));
    FLO_TRY(flo_arena_take(arena, D, sizeof *w->mean, &w->mean));
    FLO_TRY(flo_arena_take(arena, D, sizeof *w->deviation, &w->deviation));
    FLO_TRY(flo_arena_take(arena, w->threads, sizeof *w->scratch, &w->scratch));
    const int64_t reals = flo_workspace_scratch(w->flow, FLO_TILE_ROWS);
    for (int i = 0; i < w->threads; i++)
        FLO_TRY(flo_arena_take(arena, reals, sizeof(flo_real), &w->scratch[i]));
    FLO_TRY(flo_arena_take(arena, own, sizeof *w->tile, &w->tile));
    for (int64_t i = 0; i < own; i++)
        FLO_TRY(flo_workspace_create(arena, w->flow, FLO_TILE_ROWS, false, NULL,
                                     &w->tile[i]));
    return FLO_OK;
}

/* A row costs a chunk to decode: rows are taken in runs where single ones would have
   too many chunks decoded. A power of two, so that all runs are as long. */
static int64_t choose_run(const flo_rows *rows, int64_t count)
{
    const flo_source_info *const info = flo_source_describe(flo_rows_source(rows));
    const double row_bytes = (double)info->columns * sizeof(float);
    const double chunk_bytes = (double)info->chunk_rows * row_bytes;
    int64_t run = 1;
    if (count < MOST_ROWS || (double)info->rows * row_bytes <= (double)decoded_most)
        return run;
    while ((double)(count / run) * chunk_bytes > (double)decoded_most &&
           count / run > LEAST_RUNS)
        run *= 2;
    return run;
}

/* The rows [n] of the data that start rows first .. first + n - 1 are: each run drawn
   in its own part of the data. */
static void draw_rows(const walk *w, int64_t first, int64_t n, int64_t *row)
{
    const int64_t N = flo_rows_count(w->rows), m = w->run_rows;
    const int64_t runs = w->count / m;
    const flo_random_key key = {w->flow->seed, FLO_RANDOM_START, 0, STREAM_ROWS};
    for (int64_t i = 0; i < n; i++) {
        const int64_t run = (first + i) / m;
        const int64_t begin = flo_lane_first(N, runs, run);
        const int64_t end = flo_lane_first(N, runs, run + 1) - m + 1;
        flo_real u;
        flo_random_uniform(key, (uint64_t)run, 1, &u);
        const int64_t at = begin + (int64_t)((double)u * (double)(end - begin));
        row[i] = (at < end ? at : end - 1) + (first + i) % m;
    }
}

/* Reads the rows of a tile, adjoining ones together. */
static flo_status read_tile(const walk *w, int64_t first, flo_workspace *ws)
{
    const int64_t D = w->flow->features, C = w->flow->context;
    int64_t row[FLO_TILE_ROWS];
    draw_rows(w, first, ws->rows, row);
    for (int64_t i = 0, next; i < ws->rows; i = next) {
        for (next = i + 1; next < ws->rows && row[next] == row[next - 1] + 1; next++)
            ;
        flo_batch batch = {.x = flo_workspace_data(w->flow, ws) + i * D,
                           .context = ws->raw_context + i * C,
                           .weight = ws->weight + i};
        FLO_TRY(flo_rows_read(w->rows, row[i], next - i, &batch, NULL));
        flo_workspace_dither(w->flow, ws, i, next - i, row[i]);
    }
    flo_workspace_condition(w->flow, ws);
    return FLO_OK;
}

static void sample_tile(const walk *w, const flo_real *theta, int64_t first,
                        flo_workspace *ws)
{
    const flo_random_key key = {w->flow->seed, FLO_RANDOM_START, 0, STREAM_SAMPLES};
    flo_workspace_sample(w->flow, theta, ws, key, first, 1);
    for (int64_t i = 0; i < ws->rows; i++)
        ws->weight[i] = 1;
}

/* Fills the tiles of this rank. */
static flo_status fill(walk *w, const flo_real *theta)
{
    for (int64_t t = w->first; t < w->last; t++) {
        flo_workspace *const ws = &w->tile[t - w->first];
        const int64_t first = t * FLO_TILE_ROWS, left = w->count - first;
        ws->rows = left < FLO_TILE_ROWS ? left : FLO_TILE_ROWS;
        ws->scratch = w->scratch[0];
        if (w->rows)
            FLO_TRY(read_tile(w, first, ws));
        else
            sample_tile(w, theta, first, ws);
        for (int64_t i = 0; i < ws->rows; i++)
            w->weight[t] += (double)ws->weight[i];
    }
    return FLO_OK;
}

/* What all ranks must know of the rows: their weight, and how many have one. */
static void share_weight(walk *w, int64_t *rows)
{
    *rows = 0;
    for (int64_t t = 0; t < w->last - w->first; t++)
        for (int64_t i = 0; i < w->tile[t].rows; i++)
            *rows += w->tile[t].weight[i] > 0;
    flo_comm_sum_integers(w->comm, rows, 1);
    flo_comm_share(w->comm, w->weight, w->tiles);
    for (int64_t t = 0; t < w->tiles; t++)
        w->total += w->weight[t];
}

/* Sums of w d and w d^2, d = x - mean, over the rows x [B, D] of a tile. */
static void sum_tile(int64_t D, const flo_workspace *ws, const flo_real *x,
                     const double *mean, double *first, double *second)
{
    for (int64_t i = 0; i < ws->rows; i++) {
        const double weight = (double)ws->weight[i];
        for (int64_t j = 0; weight > 0 && j < D; j++) {
            const double d = (double)x[i * D + j] - mean[j];
            first[j] += weight * d;
            second[j] += weight * d * d;
        }
    }
}

/* Moves the mean to that of value[k], and takes the deviation around the mean there
   was. */
static void improve_moments(const walk *w, int64_t k)
{
    const int64_t D = w->flow->features;
    memset(w->slots, 0, (size_t)(w->tiles * 2 * D) * sizeof *w->slots);
#pragma omp parallel for schedule(static) num_threads(w->threads)
    for (int64_t t = w->first; t < w->last; t++) {
        const flo_workspace *const ws = &w->tile[t - w->first];
        double *const first = w->slots + t * 2 * D;
        sum_tile(D, ws, ws->value[k], w->mean, first, first + D);
    }
    flo_comm_share(w->comm, w->slots, w->tiles * 2 * D);
    for (int64_t j = 0; j < D; j++) {
        double first = 0, second = 0;
        for (int64_t t = 0; t < w->tiles; t++) {
            first += w->slots[t * 2 * D + j];
            second += w->slots[t * 2 * D + D + j];
        }
        const double step = first / w->total;
        const double variance = second / w->total - step * step;
        w->mean[j] += step;
        w->deviation[j] = variance < 0 ? 0 : sqrt(variance);
    }
}

/* The moments of what layer k is fed: around 0, then around the mean found. */
static flo_status find_moments(const walk *w, int64_t k)
{
    const int64_t D = w->flow->features;
    memset(w->mean, 0, (size_t)D * sizeof *w->mean);
    improve_moments(w, k);
    improve_moments(w, k);
    for (int64_t j = 0; j < D; j++)
        if (!isfinite(w->mean[j]) || !isfinite(w->deviation[j]))
            return flo_fail(
                flo_arena_context(w->arena), FLO_ERROR_NUMERIC,
                "%s: column %lld of its input has mean %g and standard deviation %g "
                "over the start rows, wanted finite numbers to start from: look for "
                "extreme rows in the data, or add preprocess: [{kind: standardize}]",
                w->flow->layer[k].name, (long long)j, w->mean[j], w->deviation[j]);
    return FLO_OK;
}

static void move_forward(const walk *w, const flo_real *theta, int64_t k)
{
#pragma omp parallel for schedule(static) num_threads(w->threads)
    for (int64_t t = 0; t < w->last - w->first; t++) {
        w->tile[t].scratch = w->scratch[omp_get_thread_num()];
        flo_flow_forward_layer(w->flow, theta, &w->tile[t], k);
    }
}

static flo_status start_layers(const walk *w, int64_t last, flo_real *theta,
                               flo_data_start_report *report)
{
    const flo_moments moments = {.mean = w->mean, .deviation = w->deviation};
    for (int64_t k = 0; k <= last; k++) {
        const flo_layer *const layer = &w->flow->layer[k];
        const flo_bijection_kind *const kind = layer->bijection->kind;
        if (kind->starts_from_data) {
            FLO_TRY(find_moments(w, k)); /* alike on all ranks, failure too */
            const int64_t constant =
                kind->start(layer->bijection, &moments, theta + layer->parameters);
            if (constant && !report->constant_layer)
                report->constant_layer = layer->name;
            report->constant_columns += constant;
        }
        if (k < last)
            move_forward(w, theta, k);
    }
    return FLO_OK;
}

static flo_status start(walk *w, int64_t last, flo_real *theta,
                        flo_data_start_report *report)
{
    flo_status status = take(w);
    if (status == FLO_OK)
        status = fill(w, theta);
    FLO_TRY(flo_comm_agree(w->comm, flo_arena_context(w->arena), status));
    share_weight(w, &report->rows);
    return report->rows ? start_layers(w, last, theta, report) : FLO_OK;
}

flo_status flo_data_start(flo_comm *comm, flo_context *context, const flo_flow *flow,
                          flo_rows *rows, int threads, flo_real *theta,
                          flo_data_start_report *report)
{
    int64_t last;
    *report = (flo_data_start_report){.layers = count_layers(flow, &last)};
    if (!report->layers)
        return FLO_OK;
    walk w = {.comm = comm, .flow = flow, .rows = rows, .threads = threads};
    const int64_t N = rows ? flo_rows_count(rows) : MOST_ROWS;
    w.count = N < MOST_ROWS ? N : MOST_ROWS;
    w.run_rows = rows ? choose_run(rows, w.count) : 1;
    w.tiles = flo_divide_up(w.count, FLO_TILE_ROWS);
    const int ranks = flo_comm_size(comm), rank = flo_comm_rank(comm);
    w.first = flo_lane_first(w.tiles, ranks, rank);
    w.last = flo_lane_first(w.tiles, ranks, rank + 1);
    flo_status status = flo_arena_create(context, &w.arena);
    status = flo_comm_agree(comm, context, status);
    if (status == FLO_OK)
        status = start(&w, last, theta, report);
    flo_arena_destroy(&w.arena);
    return status;
}
