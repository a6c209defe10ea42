/* A positive number from a free one: softplus(d + c) + m, 1 at d = 0 and never below m.

   Scales of this form keep a map invertible whatever the optimizer does: m is the
   smallest, and for large d the scale grows as d, not as exp(d). */
#ifndef FLO_BIJECTIONS_POSITIVE_H
#define FLO_BIJECTIONS_POSITIVE_H

#include "core/elementary.h"

#define FLO_POSITIVE_SMALLEST 1e-3 /* m */

/* d + c, c = log(exp(1 - m) - 1): softplus of it is 1 - m at d = 0. */
static inline flo_real flo_positive_raw(flo_real d)
{
    const double c = log(expm1(1 - FLO_POSITIVE_SMALLEST));
    return d + (flo_real)c;
}

static inline flo_real flo_positive(flo_real d)
{
    return flo_softplus(flo_positive_raw(d)) + (flo_real)FLO_POSITIVE_SMALLEST;
}

/* The derivative of flo_positive. */
static inline flo_real flo_positive_slope(flo_real d)
{
    return flo_sigmoid(flo_positive_raw(d));
}

#endif
