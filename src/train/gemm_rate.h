/* The machine's own rate of matrix products: what the speed of a flow is held against.
 */
#ifndef FLO_TRAIN_GEMM_RATE_H
#define FLO_TRAIN_GEMM_RATE_H

#include "core/context.h"

/* By the linked BLAS, or by the products of the conditioners. */
typedef enum flo_gemm_maker { FLO_GEMM_BLAS, FLO_GEMM_OWN } flo_gemm_maker;

/* GFLOP/s (a multiply-add is two) of one thread, while `threads` of them compute
   products of 512 x 512 x 512 side by side for about `seconds`, each on memory of its
   own. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_gemm_rate(flo_context *context, flo_gemm_maker maker,
                                      int threads, double seconds, double *gflops);

#endif
