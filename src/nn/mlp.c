/* Plain multilayer perceptron: input and context -> hidden layers -> linear output.

   h_0 = f(W_0 x + V c + b_0),  h_i = f(W_i h_{i-1} + b_i),  y = W h + b; dropout after
   each hidden layer. With degrees the W are masked: MADE (Germain et al. 2015, arXiv
   1502.03509). */
#include "nn/linear.h"
#include "nn/network.h"
#include "nn/stage.h"

#include <stdio.h>

typedef struct mlp {
    int64_t hidden;    /* hidden layers; without context 0 is a linear map */
    int64_t widest;    /* units of a hidden layer */
    flo_dense context; /* V, without use where C is 0 */
    flo_linear *map;   /* [hidden + 1] */
    flo_stage *stage;  /* [hidden] */
    int64_t *cache;    /* [hidden], offset a row of each stage */
    int64_t *noise;    /* [hidden], offset in a row of the noise */
} mlp;

static flo_status allocate(flo_arena *arena, int64_t hidden, mlp **state)
{
    FLO_TRY(flo_arena_take(arena, 1, sizeof **state, state));
    (*state)->hidden = hidden;
    FLO_TRY(flo_arena_take(arena, hidden + 1, sizeof(flo_linear), &(*state)->map));
    FLO_TRY(flo_arena_take(arena, hidden, sizeof(flo_stage), &(*state)->stage));
    FLO_TRY(flo_arena_take(arena, hidden, sizeof(int64_t), &(*state)->cache));
    return flo_arena_take(arena, hidden, sizeof(int64_t), &(*state)->noise);
}

static flo_status configure(flo_network *network, flo_arena *arena,
                            const flo_network_settings *settings, flo_layout *layout)
{
    mlp *s;
    FLO_TRY(allocate(arena, settings->hidden.count, &s));
    network->state = s;
    flo_units inputs, units;
    FLO_TRY(flo_units_columns(arena, network->degrees, network->inputs, &inputs));
    for (int64_t i = 0; i < s->hidden; i++) {
        char name[32];
        snprintf(name, sizeof name, "hidden_%lld", (long long)i);
        const int64_t width = settings->hidden.values[i];
        FLO_TRY(flo_units_hidden(arena, network->degrees, width, &units));
        FLO_TRY(
            flo_linear_add(layout, network->degrees, inputs, units, name, &s->map[i]));
        if (i == 0 && network->context)
            FLO_TRY(
                flo_dense_add(layout, network->context, width, "context", &s->context));
        s->stage[i] = (flo_stage){.activation = network->activation,
                                  .dropout = network->dropout,
                                  .width = width};
        s->cache[i] = network->cache;
        s->noise[i] = network->noise;
        network->cache += flo_stage_cache(&s->stage[i]);
        network->noise += network->dropout > 0 ? width : 0;
        s->widest = width > s->widest ? width : s->widest;
        inputs = units;
    }
    for (int64_t i = 0; i < s->hidden; i++)
        s->stage[i].noise_width = network->noise;
    network->scratch = 2 * s->widest;
    FLO_TRY(flo_units_outputs(arena, network->degrees, network->outputs, &units));
    FLO_TRY(flo_linear_add(layout, network->degrees, inputs, units, "output",
                           &s->map[s->hidden]));
    network->output_bias = s->map[s->hidden].dense.bias;
    return FLO_OK;
}

static void init(const flo_network *network, flo_random_key key, flo_real *theta)
{
    const mlp *const s = network->state;
    for (int64_t i = 0; i < s->hidden; i++) {
        flo_linear_init(&s->map[i], -1, key, theta);
        key.b++;
    }
    if (network->context)
        flo_dense_init(&s->context, -1, key, theta);
    flo_linear_init(&s->map[s->hidden], 0, key, theta);
}

static void forward(const flo_network *network, const flo_real *theta,
                    const flo_pass *pass, const flo_real *input, flo_real *y)
{
    const mlp *const s = network->state;
    const int64_t B = pass->rows;
    const flo_real *h = input;
    for (int64_t i = 0; i < s->hidden; i++) {
        flo_real *const cache = pass->cache + B * s->cache[i];
        flo_real *const p = flo_stage_input(&s->stage[i], B, cache);
        flo_linear_forward(&s->map[i], theta, pass, h, p);
        if (i == 0 && network->context)
            flo_dense_forward(&s->context, theta, 0, s->context.outputs, pass, true,
                              pass->context, p);
        h = flo_stage_forward(&s->stage[i], pass, s->noise[i], 0, s->stage[i].width, p,
                              cache);
    }
    flo_linear_forward(&s->map[s->hidden], theta, pass, h, y);
}

static void backward(const flo_network *network, const flo_real *theta,
                     const flo_pass *pass, const flo_real *input, flo_real *dy,
                     flo_real *dinput, flo_real *dcontext, flo_real *dtheta)
{
    const mlp *const s = network->state;
    const int64_t B = pass->rows;
    flo_real *const buffer[2] = {pass->scratch, pass->scratch + B * s->widest};
    const flo_real *d = dy;
    for (int64_t i = s->hidden; i >= 0; i--) {
        const flo_real *const h =
            i ? flo_stage_output(&s->stage[i - 1], pass,
                                 pass->cache + B * s->cache[i - 1])
              : input;
        flo_real *const dh = i ? buffer[i % 2] : dinput;
        if (i == 0 && network->context)
            flo_dense_backward(&s->context, theta, pass, true, pass->context, d,
                               dcontext, dtheta);
        flo_linear_backward(&s->map[i], theta, pass, h, d, dh, dtheta);
        if (i)
            flo_stage_backward(&s->stage[i - 1], pass, s->noise[i - 1],
                               pass->cache + B * s->cache[i - 1], dh, dh);
        d = dh;
    }
}

/* Of hidden layer i in a solve: what the map before it adds up, and the
   output, which the next map reads. */
static flo_real *sums(const mlp *s, const flo_pass *pass, int64_t i)
{
    return flo_stage_input(&s->stage[i], pass->rows,
                           pass->cache + pass->rows * s->cache[i]);
}

static const flo_real *outcome(const mlp *s, const flo_solve *solve, int64_t i)
{
    const flo_pass *const pass = solve->pass;
    return i < 0 ? solve->x
                 : flo_stage_output(&s->stage[i], pass,
                                    pass->cache + pass->rows * s->cache[i]);
}

static void solve_block(const flo_network *network, const flo_real *theta,
                        const flo_solve *solve, int64_t block)
{
    const mlp *const s = network->state;
    for (int64_t i = 0; i <= s->hidden; i++) {
        flo_real *const y = i < s->hidden ? sums(s, solve->pass, i) : solve->out;
        flo_linear_solve_earlier(&s->map[i], theta, block, solve->pass->rows,
                                 outcome(s, solve, i - 1), y);
        if (i == 0 && network->context)
            flo_dense_forward(&s->context, theta, s->map[i].panels->panel[block].row,
                              s->map[i].panels->panel[block].rows, solve->pass, true,
                              solve->pass->context, y);
    }
}

static void solve_degree(const flo_network *network, const flo_real *theta,
                         const flo_solve *solve, int64_t degree)
{
    const mlp *const s = network->state;
    const int64_t B = solve->pass->rows;
    for (int64_t i = 0; i < s->hidden; i++) {
        flo_real *const p = sums(s, solve->pass, i);
        const int64_t *const first = s->map[i].panels->outputs.first;
        flo_linear_solve_degree(&s->map[i], theta, degree, B, outcome(s, solve, i - 1),
                                p);
        flo_stage_forward(&s->stage[i], solve->pass, s->noise[i], first[degree],
                          first[degree + 1] - first[degree], p,
                          solve->pass->cache + B * s->cache[i]);
    }
    flo_linear_solve_degree(&s->map[s->hidden], theta, degree, B,
                            outcome(s, solve, s->hidden - 1), solve->out);
}

const flo_network_kind flo_network_mlp = {"mlp",    configure,   init,        forward,
                                          backward, solve_block, solve_degree};
