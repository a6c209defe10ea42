/* Densities and samples by tiles of fixed size. */
#include "flow/tiles.h"

#include "core/integers.h"
#include "core/vector.h"
#include "flow/row_noise.h"

#include <math.h>
#include <omp.h>
#include <string.h>

struct flo_tiles {
    flo_context *context; /* borrowed: counts the tiles */
    const flo_flow *flow;
    int threads;
    int64_t draws;       /* of noise by what a row holds; 0: one, by its number */
    flo_workspace *desk; /* [threads] */
};

void flo_tiles_score(flo_tiles *tiles, int64_t draws)
{
    const int64_t usual = flo_flow_draws(tiles->flow);
    tiles->draws = usual && draws == FLO_AUTO ? usual : usual ? draws : 0;
}

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
    int64_t first, draws;
    const flo_real *x, *context;
} call;

/* The noise of draw `draw` for rows start .. start + count - 1 of a call, each by what
   it holds; a padded row has that of the first. */
static void dither_by_content(const call *c, flo_workspace *w, int64_t start,
                              int64_t count, int64_t draw)
{
    const flo_flow *const flow = c->flow;
    const int64_t D = flow->features, C = flow->context;
    for (int64_t i = 0; i < FLO_TILE_ROWS; i++) {
        const int64_t row = i < count ? start + i : start;
        const uint64_t hash =
            flo_row_hash(flow, c->x + row * D, C ? c->context + row * C : NULL);
        for (int64_t k = 0; k < flow->fixed; k++)
            if (flow->layer[k].bijection->dithers)
                flo_row_noise(flow, k, hash, draw, c->draws,
                              w->noise[k] + i * flow->layer[k].bijection->noise);
    }
}

/* Whether values or context of a row are not finite: a flow may map infinity to a
   density of 0, which would look like a row that was scored. And for a category that
   the model does not know nothing can be said of the density under it. */
static bool is_missing(const call *c, int64_t row)
{
    const int64_t D = c->flow->features, C = c->flow->context;
    return flo_vector_first_nonfinite(D, c->x + row * D) < D ||
           (C && flo_vector_first_nonfinite(C, c->context + row * C) < C) ||
           flo_categories_unknown(&c->flow->categories, c->context + row * C);
}

/* Loads rows start .. start + count - 1 of a call, with context and noise. */
static void load_tile(const call *c, flo_workspace *w, int64_t start, int64_t count,
                      int64_t draw)
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
    if (c->draws)
        dither_by_content(c, w, start, count, draw);
    else
        flo_workspace_dither(flow, w, 0, FLO_TILE_ROWS, c->first + start);
}

/* Marks the rows that the last layer made not finite, in values or log-determinant. */
static void mark_refused(const flo_flow *flow, const flo_workspace *w,
                         const flo_real *value, bool *refused)
{
    const int64_t D = flow->features;
    for (int64_t i = 0; i < FLO_TILE_ROWS; i++)
        refused[i] = refused[i] || !isfinite(w->logdet[i]) ||
                     flo_vector_first_nonfinite(D, value + i * D) < D;
}

/* Which rows of a loaded tile lie outside of what the layers next to the data take,
   those without parameters: refused [FLO_TILE_ROWS]. */
static void find_refused(const call *c, flo_workspace *w, bool *refused)
{
    const flo_flow *const flow = c->flow;
    memset(refused, 0, FLO_TILE_ROWS * sizeof *refused);
    memset(w->logdet, 0, FLO_TILE_ROWS * sizeof *w->logdet);
    for (int64_t k = 0; flow->direction == FLO_DIRECTION_DENSITY && k < flow->fixed;
         k++) {
        flo_flow_forward_layer(flow, c->theta, w, k);
        mark_refused(flow, w, w->value[k + 1], refused);
    }
    for (int64_t k = flow->layers - 1;
         flow->direction == FLO_DIRECTION_SAMPLING && k >= 0 &&
         !flow->layer[k].bijection->parameters.size;
         k--) {
        flo_flow_inverse_layer(flow, c->theta, w, k);
        mark_refused(flow, w, w->value[k], refused);
    }
}

/* Says of the rows of a tile that have no finite density what they are: -infinity where
   it is zero, as outside of what the first layers take, NaN where it cannot be said:
   values or context are missing, or the context is outside. */
static void mark_bad_rows(const call *c, flo_workspace *w, int64_t start, int64_t count,
                          double *log_prob)
{
    bool refused[FLO_TILE_ROWS], known = false;
    for (int64_t i = 0; i < count; i++) {
        const int64_t row = start + i;
        double *const found = &log_prob[row];
        if (is_missing(c, row))
            *found = (double)NAN;
        if (isfinite(*found) || *found == -(double)INFINITY || is_missing(c, row))
            continue;
        if (!known) {
            load_tile(c, w, start, count, 0);
            find_refused(c, w, refused);
        }
        known = true;
        *found = refused[i] ? -(double)INFINITY : (double)NAN;
    }
}

/* The logarithm of a sum of exponentials, one after the other. */
typedef struct log_sum {
    double most, sum;
} log_sum;

static void add_exponential(log_sum *s, double value)
{
    if (value == -(double)INFINITY)
        return;
    if (value > s->most) {
        s->sum = s->sum * exp(s->most - value) + 1;
        s->most = value;
    } else
        s->sum += exp(value - s->most);
}

/* The densities of a tile, each the mean over the draws: near the probability of the
   cell of the row's whole numbers. What `preprocess` gives is another point in every
   draw, so that `preprocessed` is the mean of log-densities. */
static void score_by_draws(const call *c, flo_workspace *w, int64_t start,
                           int64_t count, double *log_prob, double *preprocessed)
{
    const double draws = (double)c->draws;
    log_sum all[FLO_TILE_ROWS];
    double behind[FLO_TILE_ROWS] = {0};
    for (int64_t i = 0; i < count; i++)
        all[i] = (log_sum){-(double)INFINITY, 0};
    for (int64_t draw = 0; draw < c->draws; draw++) {
        load_tile(c, w, start, count, draw);
        flo_flow_log_prob(c->flow, c->theta, w);
        for (int64_t i = 0; i < count; i++) {
            add_exponential(&all[i], w->log_prob[i]);
            behind[i] += w->log_prob[i] - w->preprocessed[i];
        }
    }
    for (int64_t i = 0; i < count; i++)
        log_prob[i] = all[i].most + log(all[i].sum / draws);
    for (int64_t i = 0; i < count && preprocessed; i++)
        preprocessed[i] = behind[i] / draws;
}

/* log_prob and preprocessed [count] (or NULL) of rows start .. of a call. */
static void score_tile(const call *c, flo_workspace *w, int64_t start, int64_t count,
                       double *log_prob, double *preprocessed)
{
    if (c->draws) {
        score_by_draws(c, w, start, count, log_prob, preprocessed);
        return;
    }
    load_tile(c, w, start, count, 0);
    flo_flow_log_prob(c->flow, c->theta, w);
    memcpy(log_prob, w->log_prob, (size_t)count * sizeof *log_prob);
    for (int64_t i = 0; i < count && preprocessed; i++)
        preprocessed[i] = log_prob[i] - w->preprocessed[i];
}

void flo_tiles_log_prob(flo_tiles *tiles, const flo_real *theta, int64_t first,
                        int64_t rows, const flo_real *x, const flo_real *context,
                        double *log_prob, double *preprocessed)
{
    const call c = {tiles->flow, theta, first, tiles->draws, x, context};
#pragma omp parallel for schedule(static) num_threads(tiles->threads)
    for (int64_t start = 0; start < rows; start += FLO_TILE_ROWS) {
        flo_workspace *const w = &tiles->desk[omp_get_thread_num()];
        const int64_t count = flo_lesser(rows - start, FLO_TILE_ROWS);
        score_tile(&c, w, start, count, log_prob + start,
                   preprocessed ? preprocessed + start : NULL);
        mark_bad_rows(&c, w, start, count, log_prob);
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
    const call c = {tiles->flow, theta, first, tiles->draws, x, context};
    const int64_t D = tiles->flow->features, behind = behind_dither(tiles->flow);
#pragma omp parallel for schedule(static) num_threads(tiles->threads)
    for (int64_t i = 0; i < rows; i += FLO_TILE_ROWS) {
        flo_workspace *const w = &tiles->desk[omp_get_thread_num()];
        const int64_t count = flo_lesser(rows - i, FLO_TILE_ROWS);
        load_tile(&c, w, i, count, 0);
        reconstruct(&c, w, behind, (size_t)(count * D) * sizeof *x, start + i * D,
                    back + i * D);
        flo_worked(tiles->context);
    }
}

/* NaN for samples [count] under a category that the model does not know. */
static void mark_unknown(const flo_flow *flow, int64_t count, const flo_real *context,
                         flo_real *x)
{
    const int64_t D = flow->features, C = flow->context;
    for (int64_t i = 0; i < count; i++)
        if (flo_categories_unknown(&flow->categories, context + i * C))
            for (int64_t j = 0; j < D; j++)
                x[i * D + j] = (flo_real)NAN;
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
    if (flow->categories.count)
        mark_unknown(flow, end - begin,
                     context + (start + begin - first) * flow->context,
                     x + (start + begin - first) * D);
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
