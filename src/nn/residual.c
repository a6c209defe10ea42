/* Residual perceptron with pre-activation blocks, as Durkan et al. 2019 (Neural spline
   flows, arXiv 1906.04032) use it:

   h = W_in [x, c] + b;  each block  h += g * (W_2 D f(W_1 f(h) + b_1) + b_2),
   g = sigmoid(V c + v) (1 without context), D dropout;  y = W h + b. With degrees the W
   are masked, as in their autoregressive flows. */
#include "core/vector.h"
#include "nn/linear.h"
#include "nn/network.h"
#include "nn/stage.h"

#include <stdio.h>
#include <string.h>

typedef struct block {
    flo_linear map[2];
    flo_dense gate;
    int64_t cache[2]; /* offsets a row of the two stages */
    int64_t gated;    /* of gate g and of the branch before it, each [width] */
    int64_t noise;    /* offset in a row of the noise */
} block;

typedef struct residual {
    int64_t width, blocks;
    flo_linear input, output;
    flo_dense context;
    flo_stage stage[2]; /* first without dropout, second with */
    block *block;       /* [blocks] */
    int64_t last;       /* offset a row of the last h */
} residual;

static flo_status configure_block(flo_network *network, const residual *s, int64_t i,
                                  flo_units units, flo_layout *layout)
{
    block *const b = &s->block[i];
    char name[48];
    for (int k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "block_%lld/%d", (long long)i, k);
        FLO_TRY(
            flo_linear_add(layout, network->degrees, units, units, name, &b->map[k]));
        b->cache[k] = network->cache;
        network->cache += flo_stage_cache(&s->stage[k]);
    }
    if (network->context) {
        snprintf(name, sizeof name, "block_%lld/gate", (long long)i);
        FLO_TRY(flo_dense_add(layout, network->context, s->width, name, &b->gate));
        b->gated = network->cache;
        network->cache += 2 * s->width;
    }
    b->noise = network->noise;
    network->noise += network->dropout > 0 ? s->width : 0;
    return FLO_OK;
}

static flo_status configure(flo_network *network, flo_arena *arena,
                            const flo_network_settings *settings, flo_layout *layout)
{
    residual *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    network->state = s;
    s->width = settings->width;
    s->blocks = settings->blocks;
    for (int k = 0; k < 2; k++)
        s->stage[k] = (flo_stage){.activation = network->activation,
                                  .dropout = k ? network->dropout : 0,
                                  .width = s->width};
    FLO_TRY(flo_arena_take(arena, s->blocks, sizeof *s->block, &s->block));
    flo_units inputs, units, outputs;
    FLO_TRY(flo_units_columns(arena, network->degrees, network->inputs, &inputs));
    FLO_TRY(flo_units_hidden(arena, network->degrees, s->width, &units));
    FLO_TRY(flo_units_outputs(arena, network->degrees, network->outputs, &outputs));
    FLO_TRY(
        flo_linear_add(layout, network->degrees, inputs, units, "input", &s->input));
    if (network->context)
        FLO_TRY(
            flo_dense_add(layout, network->context, s->width, "context", &s->context));
    for (int64_t i = 0; i < s->blocks; i++)
        FLO_TRY(configure_block(network, s, i, units, layout));
    s->stage[1].noise_width = network->noise;
    s->last = network->cache;
    network->cache += s->width;
    network->scratch = (s->blocks > 3 && network->degrees ? s->blocks : 3) * s->width;
    FLO_TRY(
        flo_linear_add(layout, network->degrees, units, outputs, "output", &s->output));
    network->output_bias = s->output.dense.bias;
    return FLO_OK;
}

static void init(const flo_network *network, flo_random_key key, flo_real *theta)
{
    const residual *const s = network->state;
    flo_linear_init(&s->input, -1, key, theta);
    key.b++;
    if (network->context)
        flo_dense_init(&s->context, -1, key, theta);
    for (int64_t i = 0; i < s->blocks; i++) {
        key.b++;
        flo_linear_init(&s->block[i].map[0], -1, key, theta);
        key.b++;
        /* A block starts close to the identity. */
        flo_linear_init(&s->block[i].map[1], 1e-3, key, theta);
        key.b++;
        if (network->context)
            flo_dense_init(&s->block[i].gate, -1, key, theta);
    }
    flo_linear_init(&s->output, 0, key, theta);
}

/* t [width, B] times the gate; keeps gate and t for backward. */
static void apply_gate(const block *b, const flo_real *theta, const flo_pass *pass,
                       int64_t n, flo_real *t)
{
    const int64_t B = pass->rows;
    flo_real *const gate = pass->cache + B * b->gated, *const kept = gate + n;
    flo_dense_forward(&b->gate, theta, 0, b->gate.outputs, pass, false, pass->context,
                      gate);
    flo_vector_sigmoid(n, gate, gate);
    memcpy(kept, t, (size_t)n * sizeof *t);
    for (int64_t i = 0; i < n; i++)
        t[i] *= gate[i];
}

/* dt [width, B] through the gate, in place; da [width, B] is scratch. */
static void gate_backward(const block *b, const flo_real *theta, const flo_pass *pass,
                          int64_t n, flo_real *dt, flo_real *da, flo_real *dcontext,
                          flo_real *dtheta)
{
    const flo_real *const gate = pass->cache + pass->rows * b->gated, *const kept =
                                                                          gate + n;
    for (int64_t i = 0; i < n; i++) {
        da[i] = dt[i] * kept[i] * gate[i] * (1 - gate[i]);
        dt[i] *= gate[i];
    }
    flo_dense_backward(&b->gate, theta, pass, true, pass->context, da, dcontext,
                       dtheta);
}

static void forward(const flo_network *network, const flo_real *theta,
                    const flo_pass *pass, const flo_real *input, flo_real *y)
{
    const residual *const s = network->state;
    const int64_t B = pass->rows, n = B * s->width;
    flo_real *const h = pass->cache + B * s->last, *const t = pass->scratch;
    flo_linear_forward(&s->input, theta, pass, input, h);
    if (network->context)
        flo_dense_forward(&s->context, theta, 0, s->width, pass, true, pass->context,
                          h);
    for (int64_t k = 0; k < s->blocks; k++) {
        const block *const b = &s->block[k];
        flo_real *const cache[2] = {pass->cache + B * b->cache[0],
                                    pass->cache + B * b->cache[1]};
        const flo_real *const a =
            flo_stage_forward(&s->stage[0], pass, 0, 0, s->width, h, cache[0]);
        flo_real *const p = flo_stage_input(&s->stage[1], B, cache[1]);
        flo_linear_forward(&b->map[0], theta, pass, a, p);
        const flo_real *const d =
            flo_stage_forward(&s->stage[1], pass, b->noise, 0, s->width, p, cache[1]);
        flo_linear_forward(&b->map[1], theta, pass, d, t);
        if (network->context)
            apply_gate(b, theta, pass, n, t);
        for (int64_t i = 0; i < n; i++)
            h[i] += t[i];
    }
    flo_linear_forward(&s->output, theta, pass, h, y);
}

static void block_backward(const flo_network *network, const block *b,
                           const flo_real *theta, const flo_pass *pass, flo_real *dh,
                           flo_real *dcontext, flo_real *dtheta)
{
    const residual *const s = network->state;
    const int64_t B = pass->rows, n = B * s->width;
    flo_real *const da = dh + n, *const dt = dh + 2 * n;
    flo_real *const cache[2] = {pass->cache + B * b->cache[0],
                                pass->cache + B * b->cache[1]};
    const flo_real *branch = dh;
    if (network->context) {
        memcpy(dt, dh, (size_t)n * sizeof *dt);
        gate_backward(b, theta, pass, n, dt, da, dcontext, dtheta);
        branch = dt;
    }
    flo_linear_backward(&b->map[1], theta, pass,
                        flo_stage_output(&s->stage[1], pass, cache[1]), branch, da,
                        dtheta);
    flo_stage_backward(&s->stage[1], pass, b->noise, cache[1], da, da);
    flo_linear_backward(&b->map[0], theta, pass,
                        flo_stage_output(&s->stage[0], pass, cache[0]), da, dt, dtheta);
    flo_stage_backward(&s->stage[0], pass, 0, cache[0], dt, dt);
    for (int64_t i = 0; i < n; i++)
        dh[i] += dt[i];
}

static void backward(const flo_network *network, const flo_real *theta,
                     const flo_pass *pass, const flo_real *input, flo_real *dy,
                     flo_real *dinput, flo_real *dcontext, flo_real *dtheta)
{
    const residual *const s = network->state;
    const int64_t B = pass->rows;
    flo_real *const dh = pass->scratch;
    flo_linear_backward(&s->output, theta, pass, pass->cache + B * s->last, dy, dh,
                        dtheta);
    for (int64_t k = s->blocks - 1; k >= 0; k--)
        block_backward(network, &s->block[k], theta, pass, dh, dcontext, dtheta);
    if (network->context)
        flo_dense_backward(&s->context, theta, pass, true, pass->context, dh, dcontext,
                           dtheta);
    flo_linear_backward(&s->input, theta, pass, input, dh, dinput, dtheta);
}

/* Arrays of a block in a solve, all [width, B]: f(h), what the first map
   adds up, what the second reads, and what it adds up. */
typedef struct block_arrays {
    flo_real *stage[2], *gate; /* caches */
    flo_real *p, *t;
    const flo_real *d;
} block_arrays;

static block_arrays arrays_of(const residual *s, const flo_pass *pass, int64_t k)
{
    const int64_t B = pass->rows;
    const block *const b = &s->block[k];
    block_arrays a = {
        .stage = {pass->cache + B * b->cache[0], pass->cache + B * b->cache[1]},
        .gate = pass->cache + B * b->gated,
        .t = pass->scratch + B * s->width * k};
    a.p = flo_stage_input(&s->stage[1], B, a.stage[1]);
    a.d = flo_stage_output(&s->stage[1], pass, a.stage[1]);
    return a;
}

static void solve_block(const flo_network *network, const flo_real *theta,
                        const flo_solve *solve, int64_t block_index)
{
    const residual *const s = network->state;
    const flo_pass *const pass = solve->pass;
    const int64_t B = pass->rows;
    const flo_panel *const panel = &s->input.panels->panel[block_index];
    flo_real *const h = pass->cache + B * s->last;
    flo_linear_solve_earlier(&s->input, theta, block_index, B, solve->x, h);
    if (network->context)
        flo_dense_forward(&s->context, theta, panel->row, panel->rows, pass, true,
                          pass->context, h);
    for (int64_t k = 0; k < s->blocks; k++) {
        const block *const b = &s->block[k];
        const block_arrays a = arrays_of(s, pass, k);
        flo_linear_solve_earlier(&b->map[0], theta, block_index, B, a.stage[0], a.p);
        flo_linear_solve_earlier(&b->map[1], theta, block_index, B, a.d, a.t);
        if (network->context) {
            flo_real *const gate = a.gate + panel->row * B;
            flo_dense_forward(&b->gate, theta, panel->row, panel->rows, pass, false,
                              pass->context, a.gate);
            flo_vector_sigmoid(panel->rows * B, gate, gate);
        }
    }
    flo_linear_solve_earlier(&s->output, theta, block_index, B, h, solve->out);
}

static void solve_degree(const flo_network *network, const flo_real *theta,
                         const flo_solve *solve, int64_t degree)
{
    const residual *const s = network->state;
    const flo_pass *const pass = solve->pass;
    const int64_t B = pass->rows, *const first = s->input.panels->outputs.first;
    const int64_t row = first[degree], rows = first[degree + 1] - row;
    flo_real *const h = pass->cache + B * s->last;
    flo_linear_solve_degree(&s->input, theta, degree, B, solve->x, h);
    for (int64_t k = 0; k < s->blocks; k++) {
        const block *const b = &s->block[k];
        const block_arrays a = arrays_of(s, pass, k);
        flo_stage_forward(&s->stage[0], pass, 0, row, rows, h, a.stage[0]);
        flo_linear_solve_degree(&b->map[0], theta, degree, B, a.stage[0], a.p);
        flo_stage_forward(&s->stage[1], pass, b->noise, row, rows, a.p, a.stage[1]);
        flo_linear_solve_degree(&b->map[1], theta, degree, B, a.d, a.t);
        for (int64_t i = row * B; i < (row + rows) * B; i++)
            h[i] += network->context ? a.gate[i] * a.t[i] : a.t[i];
    }
    flo_linear_solve_degree(&s->output, theta, degree, B, h, solve->out);
}

const flo_network_kind flo_network_residual = {
    "residual_mlp", configure, init, forward, backward, solve_block, solve_degree};
