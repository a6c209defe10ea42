/* Elementwise maths over vectors: plain C kernels that the compiler vectorises, with
   the same bits in body and tail, NaN and infinities kept. In place is allowed (y ==
   x). */
#ifndef FLO_CORE_VECTOR_H
#define FLO_CORE_VECTOR_H

#include "flotilla/real.h"

#include <stdbool.h>
#include <stdint.h>

/* y[i] = f(x[i]), i = 0 .. n-1. Errors against libm (tests/core/test_vector.c): a few
   ulp over the whole range, exact limits at 0, at +-infinity and on overflow. Pure.
   Local. */
void flo_vector_exp(int64_t n, const flo_real *x, flo_real *y);
void flo_vector_log(int64_t n, const flo_real *x, flo_real *y);
void flo_vector_tanh(int64_t n, const flo_real *x, flo_real *y);
void flo_vector_sigmoid(int64_t n, const flo_real *x, flo_real *y);
void flo_vector_softplus(int64_t n, const flo_real *x, flo_real *y);
/* sin and cos of 2 pi u, u in [0, 1]. */
void flo_vector_sincos_turns(int64_t n, const flo_real *u, flo_real *sine,
                             flo_real *cosine);

/* The sum of x [n] and of its squares in double, in a fixed order that depends on n
   alone (blocks of 4096 added in turn). Local. */
double flo_vector_sum(int64_t n, const flo_real *x);
double flo_vector_sum_squares(int64_t n, const flo_real *x);

/* The index of the first element that is NaN or infinite, n if there is none. Local. */
int64_t flo_vector_first_nonfinite(int64_t n, const flo_real *x);

/* Whether an element is NaN or |x| > limit, a finite number from 0. Local. */
bool flo_vector_passes(int64_t n, const flo_real *x, flo_real limit);

#endif
