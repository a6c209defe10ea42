/* A soft clamp of log-scales: s = a / (1 + |a| / limit), the identity near 0, within
   +-limit everywhere (as in zuko). Without one, rows outside the training range blow up
   over many layers. */
#ifndef FLO_BIJECTIONS_SOFT_CLAMP_H
#define FLO_BIJECTIONS_SOFT_CLAMP_H

#include "config/settings.h"
#include "flotilla/real.h"

/* MEMBER is a double of OWNER. */
#define FLO_SCALE_LIMIT_ROW(OWNER, MEMBER)                                             \
    {                                                                                  \
        .name = "scale_limit", .type = FLO_NUMBER, .offset = offsetof(OWNER, MEMBER),  \
        .low = 0.01, .high = 20, .fallback = "2",                                      \
        .help = "soft bound on the log-scale of one layer; a large one lets rows "     \
                "outside the training range blow up"                                   \
    }

/* s and ds/da, by 1 / limit. NaN gives NaN. */
static inline flo_real flo_soft_clamp(flo_real a, flo_real inverse_limit)
{
    return a / (1 + (a < 0 ? -a : a) * inverse_limit);
}

static inline flo_real flo_soft_clamp_slope(flo_real a, flo_real inverse_limit)
{
    const flo_real root = 1 / (1 + (a < 0 ? -a : a) * inverse_limit);
    return root * root;
}

#endif
