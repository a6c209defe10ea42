/* The machine's own rate of matrix products: what the speed of a flow is held against.
 */
#ifndef FLO_TRAIN_GEMM_RATE_H
#define FLO_TRAIN_GEMM_RATE_H

#include "core/context.h"
#include "linalg/tally.h"

/* GFLOP/s (a multiply-add is two) of one thread, while `threads` of them compute
   products of this shape side by side for about `seconds`, each on memory of its own.
   Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_gemm_rate(flo_context *context,
                                      const flo_product_shape *shape, int threads,
                                      double seconds, double *gflops);

#endif
