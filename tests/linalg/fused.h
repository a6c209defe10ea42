/* For tests of products: one term of a sum, rounded as a tile rounds it. */
#ifndef FLO_TESTS_LINALG_FUSED_H
#define FLO_TESTS_LINALG_FUSED_H

#include "core/polynomial.h"

static inline flo_real add_term(flo_real a, flo_real b, flo_real sum)
{
#if defined(__FMA__) || defined(__aarch64__)
    return FLO_FUSED(a, b, sum);
#else
    return sum + a * b;
#endif
}

#endif
