/* Conditioner networks: the choice between the kinds, and dropout. */
#include "nn/network.h"

flo_status flo_network_configure(flo_network *network, flo_arena *arena,
                                 const flo_node *node,
                                 const flo_network_settings *settings, int64_t inputs,
                                 int64_t context, int64_t outputs, flo_layout *layout)
{
    if ((settings->hidden.count > 0) == (settings->width > 0))
        return flo_settings_fail(
            arena, node,
            "either hidden: [256, 256] (plain MLP) or width: 256 with "
            "blocks: 2 (residual MLP)");
    *network = (flo_network){.kind = settings->width ? &flo_network_residual
                                                     : &flo_network_mlp,
                             .inputs = inputs,
                             .context = context,
                             .outputs = outputs,
                             .activation = flo_activation_at(settings->activation),
                             .dropout = settings->dropout};
    return network->kind->configure(network, arena, settings, layout);
}

void flo_dropout(double rate, int64_t n, const flo_real *u, const flo_real *x,
                 flo_real *y)
{
    const flo_real threshold = (flo_real)rate, scale = (flo_real)(1 / (1 - rate));
    for (int64_t i = 0; i < n; i++)
        y[i] = u[i] < threshold ? 0 : scale * x[i];
}
