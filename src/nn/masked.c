/* Masked conditioners: a network with degrees, and the solve in one pass.

   A unit of degree m can be computed as soon as columns 0 .. m - 1 are known, and
   stays. So degrees are walked once, in blocks: what the units and outputs of a block
   get from earlier blocks is one large product a map; then, degree by degree, small
   products add what they get from their own block, and the outputs of column j give
   column j. */
#include "nn/masked.h"

#include "core/integers.h"
#include "linalg/transpose.h"

/* Scratch: the inputs [I, B], I is D without angles, then the solve's outputs [D P, B]
   or dinput [I, B]; then the network's. */
flo_status flo_masked_configure(flo_masked *masked, flo_arena *arena,
                                const flo_node *node,
                                const flo_network_settings *settings, int64_t features,
                                const bool *is_angle, int64_t context, int64_t outputs,
                                flo_layout *layout)
{
    *masked = (flo_masked){.features = features, .outputs = outputs};
    flo_network *const network = &masked->network;
    FLO_TRY(flo_inputs_make(arena, features, is_angle, FLO_TURN, &masked->inputs));
    FLO_TRY(flo_network_configure_masked(network, arena, node, settings,
                                         &masked->inputs, context, features * outputs,
                                         layout));
    masked->scratch = masked->inputs.count +
                      flo_greater(features * outputs, masked->inputs.count) +
                      network->scratch;
    return FLO_OK;
}

void flo_masked_init(const flo_masked *masked, flo_random_key key, flo_real *theta)
{
    masked->network.kind->init(&masked->network, key, theta);
}

static flo_pass network_pass(const flo_masked *masked, const flo_pass *pass)
{
    flo_pass inner = *pass;
    inner.scratch += pass->rows * (masked->scratch - masked->network.scratch);
    return inner;
}

static void read_rows(const flo_masked *masked, const flo_pass *pass, const flo_real *x)
{
    const int64_t D = masked->features;
    for (int64_t j = 0; masked->inputs.first && j < D; j++)
        flo_inputs_read(&masked->inputs, j, pass->rows, D, x + j, pass->scratch);
    if (masked->inputs.first)
        return;
    flo_transpose(pass->rows, masked->features, x, masked->features, pass->scratch,
                  pass->rows);
}

void flo_masked_forward(const flo_masked *masked, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *out)
{
    const flo_pass inner = network_pass(masked, pass);
    read_rows(masked, pass, x);
    flo_network_forward(&masked->network, theta, &inner, pass->scratch, out);
}

void flo_masked_backward(const flo_masked *masked, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, flo_real *dout,
                         flo_real *dx, flo_real *dcontext, flo_real *dtheta)
{
    const int64_t B = pass->rows, D = masked->features;
    const flo_pass inner = network_pass(masked, pass);
    flo_real *const dinput = pass->scratch + B * masked->inputs.count;
    read_rows(masked, pass, x);
    flo_network_backward(&masked->network, theta, &inner, pass->scratch, dout, dinput,
                         dcontext, dtheta);
    flo_inputs_backward(&masked->inputs, B, pass->scratch, dinput);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            dx[i * D + j] += dinput[j * B + i];
}

void flo_masked_solve(const flo_masked *masked, const flo_real *theta,
                      const flo_pass *pass, flo_masked_column *column, void *owner,
                      flo_real *x)
{
    const flo_network *const network = &masked->network;
    const int64_t B = pass->rows, D = masked->features, P = masked->outputs;
    const int64_t block = network->degrees->block;
    flo_pass own = network_pass(masked, pass);
    own.rounded = NULL; /* samples are in full */
    const flo_pass inner = flo_network_pass(network, &own);
    flo_real *const out = pass->scratch + B * masked->inputs.count;
    const flo_solve solve = {&inner, pass->scratch, out};
    for (int64_t j = 0; j < D; j++) {
        if (j % block == 0)
            network->kind->solve_block(network, theta, &solve, j / block);
        network->kind->solve_degree(network, theta, &solve, j);
        column(owner, j, B, solve.out + B * j * P, x);
        flo_inputs_read(&masked->inputs, j, B, D, x + j, solve.x);
    }
}
