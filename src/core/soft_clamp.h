/* The soft clamp of log-scales, s(a) = a / (1 + |a| / limit): the identity at 0, within
   +-limit everywhere, smooth in its first derivative (as in zuko). Without one, rows
   outside the training range blow up over many layers. */
#ifndef FLO_CORE_SOFT_CLAMP_H
#define FLO_CORE_SOFT_CLAMP_H

#include "core/elementary.h"

/* s(a), of 1 / limit. Pure. Local. */
static inline flo_real flo_soft_clamp(flo_real a, flo_real inverse_limit)
{
    return a / (1 + flo_magnitude(a) * inverse_limit);
}

/* ds/da = 1 / (1 + |a| / limit)^2. Pure. Local. */
static inline flo_real flo_soft_clamp_slope(flo_real a, flo_real inverse_limit)
{
    const flo_real slope = 1 / (1 + flo_magnitude(a) * inverse_limit);
    return slope * slope;
}

/* The a whose s(a) is s, |s| < limit. Pure. Local. */
static inline double flo_soft_clamp_inverse(double s, double limit)
{
    return s / (1 - fabs(s) / limit);
}

#endif
