/* Masked conditioners: a network with degrees, and the solve in one pass.

   A unit of degree m can be computed as soon as columns 0 .. m - 1 are known, and
   stays. So degrees are walked once, in blocks: what the units and outputs of a block
   get from earlier blocks is one large product a map; then, degree by degree, small
   products add what they get from their own block, and the outputs of column j give
   column j. Rows are transposed meanwhile, so that a unit of all rows is one stretch of
   memory. */
#include "nn/masked.h"

/* Scratch: the solve's x [D, B], outputs [D P, B] and outputs of a column [B, P], or
   dinput [B, D]; then the network's. */
flo_status flo_masked_configure(flo_masked *masked, flo_arena *arena,
                                const flo_node *node,
                                const flo_network_settings *settings, int64_t features,
                                int64_t context, int64_t outputs, flo_layout *layout)
{
    *masked = (flo_masked){.features = features, .outputs = outputs};
    flo_network *const network = &masked->network;
    FLO_TRY(flo_network_configure_masked(network, arena, node, settings, features,
                                         context, features * outputs, layout));
    masked->scratch = features + features * outputs + outputs + network->scratch;
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

void flo_masked_forward(const flo_masked *masked, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *out)
{
    const flo_pass inner = network_pass(masked, pass);
    masked->network.kind->forward(&masked->network, theta, &inner, x, out);
}

void flo_masked_backward(const flo_masked *masked, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, flo_real *dout,
                         flo_real *dx, flo_real *dcontext, flo_real *dtheta)
{
    const flo_pass inner = network_pass(masked, pass);
    flo_real *const dinput = pass->scratch;
    masked->network.kind->backward(&masked->network, theta, &inner, x, dout, dinput,
                                   dcontext, dtheta);
    for (int64_t i = 0; i < pass->rows * masked->features; i++)
        dx[i] += dinput[i];
}

/* to [B, n] of from [n, B]. */
static void transpose(int64_t n, int64_t B, const flo_real *from, flo_real *to)
{
    for (int64_t i = 0; i < B; i++)
        for (int64_t k = 0; k < n; k++)
            to[i * n + k] = from[k * B + i];
}

void flo_masked_solve(const flo_masked *masked, const flo_real *theta,
                      const flo_pass *pass, flo_masked_column *column, void *owner,
                      flo_real *x)
{
    const flo_network *const network = &masked->network;
    const int64_t B = pass->rows, D = masked->features, P = masked->outputs;
    const int64_t block = network->degrees->block;
    const flo_pass inner = network_pass(masked, pass);
    const flo_solve solve = {&inner, pass->scratch, pass->scratch + B * D};
    flo_real *const out = solve.out + B * D * P;
    for (int64_t j = 0; j < D; j++) {
        if (j % block == 0)
            network->kind->solve_block(network, theta, &solve, j / block);
        network->kind->solve_degree(network, theta, &solve, j);
        transpose(P, B, solve.out + B * j * P, out);
        column(owner, j, B, out, x);
        for (int64_t i = 0; i < B; i++)
            solve.x[j * B + i] = x[i * D + j];
    }
}
