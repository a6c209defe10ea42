/* Passes of rows through a flow, in memory that was taken before. */
#include "flow/workspace.h"

#include "core/vector.h"

#include <math.h>
#include <string.h>

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t scratch_of(const flo_layer *layer, int64_t rows)
{
    return rows * layer->bijection->scratch + layer->bijection->scratch_fixed;
}

int64_t flo_workspace_scratch(const flo_flow *flow, int64_t rows)
{
    int64_t scratch = rows * flow->base->scratch + flow->base->scratch_fixed;
    for (int64_t k = 0; k < flow->layers; k++)
        scratch = most(scratch, scratch_of(&flow->layer[k], rows));
    for (int64_t k = 0; k < flow->context_layers; k++)
        scratch = most(scratch, scratch_of(&flow->context_layer[k], rows));
    return scratch;
}

/* Reals a row that layer k (L: the base) keeps, and takes of noise. */
static int64_t cache_of(const flo_flow *flow, int64_t k)
{
    return k < flow->layers ? flow->layer[k].bijection->cache : flow->base->cache;
}

static int64_t noise_of(const flo_flow *flow, int64_t k)
{
    return k < flow->layers ? flow->layer[k].bijection->noise : flow->base->noise;
}

static bool dithers(const flo_flow *flow, int64_t k)
{
    return k < flow->layers && flow->layer[k].bijection->dithers;
}

static flo_status take_reals(flo_arena *arena, int64_t count, flo_real **memory)
{
    return flo_arena_take(arena, count, sizeof(flo_real), memory);
}

static flo_status take_all_layers(flo_arena *arena, const flo_flow *flow, int64_t rows,
                                  flo_workspace *w)
{
    for (int64_t k = 0; k <= flow->layers; k++) {
        FLO_TRY(take_reals(arena, rows * flow->features, &w->value[k]));
        FLO_TRY(take_reals(arena, rows * cache_of(flow, k), &w->cache[k]));
        FLO_TRY(take_reals(arena, rows * noise_of(flow, k), &w->noise[k]));
    }
    return FLO_OK;
}

static flo_status take_context(flo_arena *arena, const flo_flow *flow, int64_t rows,
                               flo_workspace *w)
{
    int64_t cache = 0;
    for (int64_t k = 0; k < flow->context_layers; k++)
        cache = most(cache, flow->context_layer[k].bijection->cache);
    FLO_TRY(take_reals(arena, rows * cache, &w->context_cache));
    FLO_TRY(take_reals(arena, rows * flow->context, &w->raw_context));
    FLO_TRY(take_reals(arena, rows * flow->categories.encoded, &w->context));
    return take_reals(arena, rows * flow->categories.encoded, &w->dcontext);
}

static flo_status take_two_in_turn(flo_arena *arena, const flo_flow *flow, int64_t rows,
                                   flo_workspace *w)
{
    int64_t cache = 0;
    for (int64_t k = 0; k <= flow->layers; k++)
        cache = most(cache, cache_of(flow, k));
    flo_real *shared, *buffer[2];
    FLO_TRY(take_reals(arena, rows * cache, &shared));
    for (int i = 0; i < 2; i++)
        FLO_TRY(take_reals(arena, rows * flow->features, &buffer[i]));
    for (int64_t k = 0; k <= flow->layers; k++) {
        w->value[k] = buffer[k % 2];
        w->cache[k] = shared;
        if (dithers(flow, k))
            FLO_TRY(take_reals(arena, rows * noise_of(flow, k), &w->noise[k]));
    }
    return FLO_OK;
}

flo_status flo_workspace_create(flo_arena *arena, const flo_flow *flow, int64_t rows,
                                bool training, flo_real *scratch, flo_workspace *w)
{
    *w = (flo_workspace){
        .room = rows, .rows = rows, .training = training, .scratch = scratch};
    const int64_t slots = flow->layers + 1;
    FLO_TRY(flo_arena_take(arena, slots, sizeof *w->value, &w->value));
    FLO_TRY(flo_arena_take(arena, slots, sizeof *w->cache, &w->cache));
    FLO_TRY(flo_arena_take(arena, slots, sizeof *w->noise, &w->noise));
    if (training)
        FLO_TRY(take_all_layers(arena, flow, rows, w));
    else
        FLO_TRY(take_two_in_turn(arena, flow, rows, w));
    FLO_TRY(take_context(arena, flow, rows, w));
    FLO_TRY(take_reals(arena, rows * flow->base->normals, &w->normals));
    FLO_TRY(take_reals(arena, rows * flow->base->uniforms, &w->uniforms));
    FLO_TRY(take_reals(arena, rows, &w->weight));
    for (int i = 0; i < 2; i++)
        FLO_TRY(
            take_reals(arena, training ? rows * flow->features : 0, &w->gradient[i]));
    FLO_TRY(flo_arena_take(arena, rows, sizeof(double), &w->logdet));
    FLO_TRY(flo_arena_take(arena, rows, sizeof(double), &w->preprocessed));
    FLO_TRY(flo_arena_take(arena, rows, sizeof(double), &w->log_prob));
    if (!training)
        FLO_TRY(flo_arena_take(arena, rows, sizeof *w->far, &w->far));
    return flo_arena_take(arena, rows, sizeof(double), &w->dlogdet);
}

flo_real *flo_workspace_data(const flo_flow *flow, const flo_workspace *w)
{
    return w->value[flow->direction == FLO_DIRECTION_DENSITY ? 0 : flow->layers];
}

flo_real *flo_workspace_noise(const flo_flow *flow, const flo_workspace *w)
{
    return w->value[flow->direction == FLO_DIRECTION_DENSITY ? flow->layers : 0];
}

void flo_workspace_condition(const flo_flow *flow, flo_workspace *w)
{
    const flo_pass pass = {
        .rows = w->rows, .cache = w->context_cache, .scratch = w->scratch};
    flo_real *from = w->raw_context, *to = w->context;
    for (int64_t k = 0; k < flow->context_layers; k++) {
        const flo_bijection *const b = flow->context_layer[k].bijection;
        b->kind->forward(b, NULL, &pass, from, to, w->logdet);
        flo_real *const passed = to;
        to = from;
        from = passed;
    }
    const size_t bytes = (size_t)(w->rows * flow->context) * sizeof *w->context;
    if (flow->categories.count) {
        if (from == w->context)
            memcpy(w->raw_context, from, bytes);
        flo_categories_encode(&flow->categories, w->rows, w->raw_context, w->context);
    } else if (flow->context && from != w->context)
        memcpy(w->context, from, bytes);
}

/* Dithering of training step s is stream s + 1 of its purpose,
   that of the rows of a split stream 0. */
void flo_workspace_draw(const flo_flow *flow, flo_workspace *w, uint64_t step,
                        int64_t first_row)
{
    for (int64_t k = 0; k <= flow->layers; k++) {
        const int64_t n = noise_of(flow, k);
        const bool dither = dithers(flow, k);
        const flo_random_key key = {flow->seed,
                                    dither ? FLO_RANDOM_DEQUANTIZE : FLO_RANDOM_DROPOUT,
                                    dither ? step + 1 : step, (uint32_t)k};
        if (n)
            flo_random_uniform(key, (uint64_t)(first_row * n), w->rows * n,
                               w->noise[k]);
    }
}

void flo_flow_dither(const flo_flow *flow, int64_t layer, int64_t first_row,
                     int64_t rows, flo_real *noise)
{
    const int64_t n = noise_of(flow, layer);
    const flo_random_key key = {flow->seed, FLO_RANDOM_DEQUANTIZE, 0, (uint32_t)layer};
    flo_random_uniform(key, (uint64_t)(first_row * n), rows * n, noise);
}

void flo_workspace_dither(const flo_flow *flow, flo_workspace *w, int64_t begin,
                          int64_t count, int64_t first_row)
{
    for (int64_t k = 0; k < flow->fixed; k++)
        if (dithers(flow, k))
            flo_flow_dither(flow, k, first_row, count,
                            w->noise[k] + begin * noise_of(flow, k));
}

flo_pass flo_workspace_pass(const flo_workspace *w, int64_t k)
{
    return (flo_pass){.rows = w->rows,
                      .context = w->context,
                      .cache = w->cache[k],
                      .scratch = w->scratch,
                      .noise = w->noise[k],
                      .training = w->training,
                      .rounded = w->rounded,
                      .fresh = w->fresh};
}

void flo_workspace_sample(const flo_flow *flow, const flo_real *theta, flo_workspace *w,
                          flo_random_key key, int64_t first_row, double temperature)
{
    const flo_density *const base = flow->base;
    const flo_pass pass = flo_workspace_pass(w, flow->layers);
    flo_random_normal(key, (uint64_t)(first_row * base->normals),
                      w->rows * base->normals, w->normals);
    key.b = 1;
    flo_random_uniform(key, (uint64_t)(first_row * base->uniforms),
                       w->rows * base->uniforms, w->uniforms);
    base->kind->sample(base, theta + flow->base_parameters, &pass, w->normals,
                       w->uniforms, temperature, flo_workspace_noise(flow, w));
}

void flo_flow_forward_layer(const flo_flow *flow, const flo_real *theta,
                            flo_workspace *w, int64_t k)
{
    const flo_layer *const layer = &flow->layer[k];
    const flo_pass pass = flo_workspace_pass(w, k);
    layer->bijection->kind->forward(layer->bijection, theta + layer->parameters, &pass,
                                    w->value[k], w->value[k + 1], w->logdet);
}

/* Which rows of the values behind the fixed layers are far: seldom any. */
static void find_far(const flo_flow *flow, flo_workspace *w, const flo_real *value)
{
    const int64_t D = flow->features;
    memset(w->far, 0, (size_t)w->rows * sizeof *w->far);
    if (!flo_vector_passes(w->rows * D, value, FLO_FAR))
        return;
    for (int64_t j = 0; j < w->rows * D; j++)
        w->far[j / D] |= fabs((double)value[j]) > (double)FLO_FAR; /* not of NaN */
}

void flo_flow_forward(const flo_flow *flow, const flo_real *theta, flo_workspace *w)
{
    const size_t bytes = (size_t)w->rows * sizeof *w->logdet;
    for (int64_t i = 0; i < w->rows; i++)
        w->logdet[i] = w->preprocessed[i] = flow->log_factor;
    for (int64_t k = 0; k < flow->layers; k++) {
        flo_flow_forward_layer(flow, theta, w, k);
        if (k + 1 == flow->preprocess)
            memcpy(w->preprocessed, w->logdet, bytes);
        if (k + 1 == flow->fixed && w->far)
            find_far(flow, w, w->value[k + 1]);
    }
}

void flo_flow_inverse_layer(const flo_flow *flow, const flo_real *theta,
                            flo_workspace *w, int64_t k)
{
    const flo_layer *const layer = &flow->layer[k];
    const flo_pass pass = flo_workspace_pass(w, k);
    layer->bijection->kind->inverse(layer->bijection, theta + layer->parameters, &pass,
                                    w->value[k + 1], w->value[k], w->logdet);
}

void flo_flow_inverse(const flo_flow *flow, const flo_real *theta, flo_workspace *w)
{
    for (int64_t i = 0; i < w->rows; i++)
        w->logdet[i] = -flow->log_factor;
    for (int64_t k = flow->layers - 1; k >= 0; k--)
        flo_flow_inverse_layer(flow, theta, w, k);
}

/* The density of a row so far out is 0 if it cannot be told. */
static void settle_far(flo_workspace *w)
{
    for (int64_t i = 0; w->far && i < w->rows; i++)
        if (w->far[i] && !(w->log_prob[i] < (double)INFINITY))
            w->log_prob[i] = -(double)INFINITY;
}

void flo_flow_log_prob(const flo_flow *flow, const flo_real *theta, flo_workspace *w)
{
    if (w->far && (flow->direction == FLO_DIRECTION_SAMPLING || !flow->fixed))
        find_far(flow, w, flo_workspace_data(flow, w));
    if (flow->direction == FLO_DIRECTION_DENSITY)
        flo_flow_forward(flow, theta, w);
    else
        flo_flow_inverse(flow, theta, w);
    const flo_pass pass = flo_workspace_pass(w, flow->layers);
    memcpy(w->log_prob, w->logdet, (size_t)w->rows * sizeof *w->log_prob);
    flow->base->kind->log_prob(flow->base, theta + flow->base_parameters, &pass,
                               flo_workspace_noise(flow, w), w->log_prob);
    settle_far(w);
}

void flo_flow_generate(const flo_flow *flow, const flo_real *theta, flo_workspace *w)
{
    if (flow->direction == FLO_DIRECTION_DENSITY)
        flo_flow_inverse(flow, theta, w);
    else
        flo_flow_forward(flow, theta, w);
}

void flo_flow_backward_layer(const flo_flow *flow, const flo_real *theta,
                             flo_workspace *w, int64_t k, flo_real *dlayer)
{
    const flo_layer *const layer = &flow->layer[k];
    const flo_pass pass = flo_workspace_pass(w, k);
    layer->bijection->kind->backward(layer->bijection, theta + layer->parameters, &pass,
                                     w->value[k], w->gradient[0], w->dlogdet,
                                     w->gradient[1], w->dcontext, dlayer);
    flo_real *const output = w->gradient[0];
    w->gradient[0] = w->gradient[1];
    w->gradient[1] = output;
}

int64_t flo_flow_first_nonfinite(const flo_flow *flow, const flo_workspace *w)
{
    const int64_t n = w->rows * flow->features;
    for (int64_t k = 0; k < flow->layers; k++)
        if (flo_vector_first_nonfinite(n, w->value[k + 1]) < n)
            return k;
    for (int64_t i = 0; i < w->rows; i++)
        if (!isfinite(w->logdet[i]) ||
            (flow->direction == FLO_DIRECTION_DENSITY && !isfinite(w->log_prob[i])))
            return flow->layers;
    return -1;
}
