/* What all autoregressive kinds share: the masked network and where its memory lies. */
#include "bijections/autoregressive.h"

flo_status flo_autoregressive_configure(flo_autoregressive *autoregressive,
                                        flo_bijection *self, flo_arena *arena,
                                        const flo_node *node, int64_t outputs,
                                        int64_t own_cache, int64_t own_scratch)
{
    flo_masked *const masked = &autoregressive->masked;
    FLO_TRY(flo_masked_configure(masked, arena, node, &autoregressive->settings,
                                 self->features, self->angles, self->context, outputs,
                                 &self->parameters));
    self->cache = own_cache + masked->network.cache;
    self->scratch = own_scratch + masked->scratch;
    self->noise = masked->network.noise;
    return FLO_OK;
}

flo_pass flo_autoregressive_pass(const flo_autoregressive *autoregressive,
                                 const flo_bijection *self, const flo_pass *pass)
{
    const flo_masked *const masked = &autoregressive->masked;
    flo_pass inner = *pass;
    inner.cache += pass->rows * (self->cache - masked->network.cache);
    inner.scratch += pass->rows * (self->scratch - masked->scratch);
    return inner;
}
