/* Conditioner networks: the choice between the kinds, and dropout. */
#include "nn/network.h"

#include "linalg/transpose.h"

#include <string.h>

static flo_status configure(flo_network *network, flo_arena *arena,
                            const flo_node *node, const flo_network_settings *settings,
                            flo_layout *layout)
{
    if ((settings->hidden.count > 0) == (settings->width > 0))
        return flo_settings_fail(
            arena, node,
            "either hidden: [256, 256] (plain MLP) or width: 256 with "
            "blocks: 2 (residual MLP)");
    network->kind = settings->width ? &flo_network_residual : &flo_network_mlp;
    network->activation = flo_activation_at(settings->activation);
    network->dropout = settings->dropout;
    return flo_network_configure_kind(network, arena, settings, layout);
}

/* Scratch: the context and its gradient, transposed, then the kind's. */
flo_status flo_network_configure_kind(flo_network *network, flo_arena *arena,
                                      const flo_network_settings *settings,
                                      flo_layout *layout)
{
    FLO_TRY(network->kind->configure(network, arena, settings, layout));
    network->scratch += 2 * network->context;
    return FLO_OK;
}

flo_status flo_network_configure(flo_network *network, flo_arena *arena,
                                 const flo_node *node,
                                 const flo_network_settings *settings, int64_t inputs,
                                 int64_t context, int64_t outputs, flo_layout *layout)
{
    *network = (flo_network){.inputs = inputs, .context = context, .outputs = outputs};
    return configure(network, arena, node, settings, layout);
}

static int64_t widest(const flo_network_settings *settings)
{
    int64_t most = settings->width > 0 ? settings->width : 1;
    for (int64_t i = 0; i < settings->hidden.count; i++)
        most = settings->hidden.values[i] > most ? settings->hidden.values[i] : most;
    return most;
}

flo_status flo_network_configure_masked(flo_network *network, flo_arena *arena,
                                        const flo_node *node,
                                        const flo_network_settings *settings,
                                        const flo_inputs *inputs, int64_t context,
                                        int64_t outputs, flo_layout *layout)
{
    flo_degrees *degrees;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *degrees, &degrees));
    *degrees = flo_degrees_choose(inputs->columns, context, widest(settings));
    degrees->first_input = inputs->first;
    *network = (flo_network){.inputs = inputs->count,
                             .context = context,
                             .outputs = outputs,
                             .degrees = degrees};
    return configure(network, arena, node, settings, layout);
}

flo_pass flo_network_pass(const flo_network *network, const flo_pass *pass)
{
    const int64_t B = pass->rows, C = network->context;
    flo_pass inner = *pass;
    inner.context = pass->scratch;
    inner.scratch += 2 * C * B;
    flo_transpose(B, C, pass->context, C, pass->scratch, B);
    return inner;
}

void flo_network_forward(const flo_network *network, const flo_real *theta,
                         const flo_pass *pass, const flo_real *input, flo_real *y)
{
    const flo_pass inner = flo_network_pass(network, pass);
    network->kind->forward(network, theta, &inner, input, y);
}

void flo_network_backward(const flo_network *network, const flo_real *theta,
                          const flo_pass *pass, const flo_real *input, flo_real *dy,
                          flo_real *dinput, flo_real *dcontext, flo_real *dtheta)
{
    const int64_t B = pass->rows, C = network->context;
    const flo_pass inner = flo_network_pass(network, pass);
    flo_real *const dgiven = pass->scratch + C * B;
    memset(dgiven, 0, (size_t)(C * B) * sizeof *dgiven);
    network->kind->backward(network, theta, &inner, input, dy, dinput, dgiven, dtheta);
    for (int64_t i = 0; i < B; i++)
        for (int64_t c = 0; c < C; c++)
            dcontext[i * C + c] += dgiven[c * B + i];
}

void flo_dropout(double rate, int64_t n, const flo_real *u, const flo_real *x,
                 flo_real *y)
{
    const flo_real threshold = (flo_real)rate, scale = (flo_real)(1 / (1 - rate));
    for (int64_t i = 0; i < n; i++)
        y[i] = u[i] < threshold ? 0 : scale * x[i];
}
