/* Densities and samples by tiles of fixed size. */
#include "flow/tiles.h"

#include "core/integers.h"
#include "core/vector.h"

#include <math.h>
#include <omp.h>
#include <string.h>

struct flo_tiles {
    flo_context *context; /* borrowed: counts the tiles */
    const flo_flow *flow;
    int threads;
    flo_workspace *desk; /* [threads] */
};

flo_status flo_tiles_create(flo_arena *arena, const flo_flow *flow, int threads,
                            flo_tiles **tiles)
{
    flo_tiles *t;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *t, &t));
    t->context = flo_arena_context(arena);
    t->flow = flow;
    t->threads = threads;
    FLO_TRY(flo_arena_take(arena, threads, sizeof *t->desk, &t->desk));
    const int64_t reals = flo_workspace_scratch(flow, FLO_TILE_ROWS);
    for (int i = 0; i < threads; i++) {
        flo_real *scratch;
        FLO_TRY(flo_arena_take(arena, reals, sizeof *scratch, &scratch));
        FLO_TRY(flo_workspace_create(arena, flow, FLO_TILE_ROWS, false, scratch,
                                     &t->desk[i]));
    }
    *tiles = t;
    return FLO_OK;
}

const flo_flow *flo_tiles_flow(const flo_tiles *tiles)
{
    return tiles->flow;
}

/* Rows [begin, end) of the tile that starts at row `start` of `from` [.., columns] into
   the tile's `to`; the others become zero. */
static void load(int64_t columns, int64_t start, int64_t begin, int64_t end,
                 const flo_real *from, flo_real *to)
{
    memset(to, 0, (size_t)(FLO_TILE_ROWS * columns) * sizeof *to);
    if (columns)
        memcpy(to + begin * columns, from + (start + begin) * columns,
               (size_t)((end - begin) * columns) * sizeof *to);
}

/* The rows of one call, of which row 0 has number `first`. */
typedef struct call {
    const flo_flow *flow;
    const flo_real *theta;
    int64_t first;
    const flo_real *x, *context;
} call;

/* NaN for rows whose values or context are not finite: a flow may map infinity to a
   density of 0, which would look like a row that was scored. */
static void mark_bad_rows(const call *c, int64_t start, int64_t count, double *log_prob)
{
    const int64_t D = c->flow->features, C = c->flow->context;
    for (int64_t i = start; i < start + count; i++)
        if (flo_vector_first_nonfinite(D, c->x + i * D) < D ||
            (C && flo_vector_first_nonfinite(C, c->context + i * C) < C))
            log_prob[i] = (double)NAN;
}

/* Loads rows start .. start + count - 1 of a call, with context and noise. */
static void load_tile(const call *c, flo_workspace *w, int64_t start, int64_t count)
{
    const flo_flow *const flow = c->flow;
    flo_real *const data = flo_workspace_data(flow, w);
    load(flow->features, start, 0, count, c->x, data);
    /* A padded row repeats the first: a row of zeros may lie outside the data's range.
     */
    for (int64_t i = count; i < FLO_TILE_ROWS; i++)
        memcpy(data + i * flow->features, data, (size_t)flow->features * sizeof *data);
    load(flow->context, start, 0, count, c->context, w->raw_context);
    flo_workspace_condition(flow, w);
    flo_workspace_dither(flow, w, 0, FLO_TILE_ROWS, c->first + start);
}

void flo_tiles_log_prob(flo_tiles *tiles, const flo_real *theta, int64_t first,
                        int64_t rows, const flo_real *x, const flo_real *context,
                        double *log_prob, double *preprocessed)
{
    const call c = {tiles->flow, theta, first, x, context};
#pragma omp parallel for schedule(static) num_threads(tiles->threads)
    for (int64_t start = 0; start < rows; start += FLO_TILE_ROWS) {
        flo_workspace *const w = &tiles->desk[omp_get_thread_num()];
        const int64_t count = flo_lesser(rows - start, FLO_TILE_ROWS);
        load_tile(&c, w, start, count);
        flo_flow_log_prob(c.flow, theta, w);
        memcpy(log_prob + start, w->log_prob, (size_t)count * sizeof *log_prob);
        mark_bad_rows(&c, start, count, log_prob);
        for (int64_t i = 0; i < count && preprocessed; i++)
            preprocessed[start + i] = log_prob[start + i] - w->preprocessed[i];
        flo_worked(tiles->context);
    }
}

/* The first layer behind those that dither; 0 where none does. */
static int64_t behind_dither(const flo_flow *flow)
{
    int64_t k = flow->fixed;
    while (k > 0 && !flow->layer[k - 1].bijection->dithers)
        k--;
    return k;
}

/* A loaded tile to noise and back, by the layers from `behind` on. */
static void reconstruct(const call *c, flo_workspace *w, int64_t behind, size_t bytes,
                        flo_real *start, flo_real *back)
{
    const flo_flow *const flow = c->flow;
    if (flow->direction == FLO_DIRECTION_SAMPLING) {
        memcpy(start, flo_workspace_data(flow, w), bytes);
        flo_flow_inverse(flow, c->theta, w);
        flo_flow_forward(flow, c->theta, w);
        memcpy(back, flo_workspace_data(flow, w), bytes);
        return;
    }
    for (int64_t k = 0; k < behind; k++)
        flo_flow_forward_layer(flow, c->theta, w, k);
    memcpy(start, w->value[behind], bytes);
    for (int64_t k = behind; k < flow->layers; k++)
        flo_flow_forward_layer(flow, c->theta, w, k);
    for (int64_t k = flow->layers - 1; k >= behind; k--)
        flo_flow_inverse_layer(flow, c->theta, w, k);
    memcpy(back, w->value[behind], bytes);
}

void flo_tiles_reconstruct(flo_tiles *tiles, const flo_real *theta, int64_t first,
                           int64_t rows, const flo_real *x, const flo_real *context,
                           flo_real *start, flo_real *back)
{
    const call c = {tiles->flow, theta, first, x, context};
    const int64_t D = tiles->flow->features, behind = behind_dither(tiles->flow);
#pragma omp parallel for schedule(static) num_threads(tiles->threads)
    for (int64_t i = 0; i < rows; i += FLO_TILE_ROWS) {
        flo_workspace *const w = &tiles->desk[omp_get_thread_num()];
        const int64_t count = flo_lesser(rows - i, FLO_TILE_ROWS);
        load_tile(&c, w, i, count);
        reconstruct(&c, w, behind, (size_t)(count * D) * sizeof *x, start + i * D,
                    back + i * D);
        flo_worked(tiles->context);
    }
}

/* Rows [begin, end) of tile t; x and context start at sample `first`. */
static void sample_tile(const flo_flow *flow, const flo_real *theta, flo_workspace *w,
                        flo_random_key key, int64_t t, int64_t first, int64_t begin,
                        int64_t end, double temperature, const flo_real *context,
                        flo_real *x)
{
    const int64_t D = flow->features, start = t * FLO_TILE_ROWS;
    load(flow->context, start - first, begin, end, context, w->raw_context);
    flo_workspace_condition(flow, w);
    flo_workspace_sample(flow, theta, w, key, start, temperature);
    flo_flow_generate(flow, theta, w);
    memcpy(x + (start + begin - first) * D, flo_workspace_data(flow, w) + begin * D,
           (size_t)((end - begin) * D) * sizeof *x);
}

void flo_tiles_sample(flo_tiles *tiles, const flo_real *theta, uint64_t seed,
                      int64_t first, int64_t count, double temperature,
                      const flo_real *context, flo_real *x)
{
    const flo_random_key key = {.seed = seed, .purpose = FLO_RANDOM_SAMPLES};
    const int64_t last = first + count, T = FLO_TILE_ROWS;
#pragma omp parallel for schedule(static) num_threads(tiles->threads)
    for (int64_t t = first / T; t < flo_divide_up(last, T); t++) {
        const int64_t begin = t * T < first ? first - t * T : 0;
        const int64_t end = last - t * T < T ? last - t * T : T;
        sample_tile(tiles->flow, theta, &tiles->desk[omp_get_thread_num()], key, t,
                    first, begin, end, temperature, context, x);
        flo_worked(tiles->context);
    }
}
