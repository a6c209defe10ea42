/* What all autoregressive kinds share: column j changed by numbers that a masked
   network computes from columns 0 .. j - 1 and the context. forward is one pass of the
   network; inverse goes column by column, and still computes every hidden unit once
   (masked.h). A flow with `direction: sampling` makes these kinds inverse
   autoregressive flows. */
#ifndef FLO_BIJECTIONS_AUTOREGRESSIVE_H
#define FLO_BIJECTIONS_AUTOREGRESSIVE_H

#include "bijections/bijection.h"
#include "nn/masked.h"

typedef struct flo_autoregressive {
    flo_network_settings settings;
    flo_masked masked; /* [B, D] -> [B, D * outputs] */
} flo_autoregressive;

/* Sets up the network with `outputs` numbers a column, after the settings were read;
   its cache and scratch lie behind own_cache and own_scratch reals a row of the kind's
   own. Local. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_autoregressive_configure(
    flo_autoregressive *autoregressive, flo_bijection *self, flo_arena *arena,
    const flo_node *node, int64_t outputs, int64_t own_cache, int64_t own_scratch);

/* The network's pass: memory behind the kind's own. */
flo_pass flo_autoregressive_pass(const flo_autoregressive *autoregressive,
                                 const flo_bijection *self, const flo_pass *pass);

#endif
