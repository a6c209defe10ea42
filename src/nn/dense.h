/* A linear map with bias: y = W x + b for every row of a batch. The batch runs fastest:
   x [inputs, B], y [outputs, B], B the rows of the pass, which also says what the
   products take in (`rounded`) and what stands in dtheta (`fresh`; core/pass.h). */
#ifndef FLO_NN_DENSE_H
#define FLO_NN_DENSE_H

#include "core/layout.h"
#include "core/pass.h"
#include "core/random.h"

/* Where weight W [outputs, inputs] and bias b [outputs] lie in the parameters. */
typedef struct flo_dense {
    int64_t inputs, outputs;
    int64_t weight, bias; /* offsets */
} flo_dense;

/* Adds NAME/weight and NAME/bias to the layout. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_dense_add(flo_layout *layout, int64_t inputs,
                                      int64_t outputs, const char *name,
                                      flo_dense *dense);

/* Weight and bias uniform in +-limit; limit < 0 stands for 1/sqrt(inputs). key.b is the
   stream of this map. Local. */
void flo_dense_init(const flo_dense *dense, double limit, flo_random_key key,
                    flo_real *theta);

/* y [outputs, B] = W x [inputs, B] + b, plus y itself where `add`, of outputs first ..
   first + count - 1. Pure. Local. */
void flo_dense_forward(const flo_dense *dense, const flo_real *theta, int64_t first,
                       int64_t count, const flo_pass *pass, bool add, const flo_real *x,
                       flo_real *y);

/* From dy [outputs, B]: adds to the slices of W, if these are not fresh, and b in
   dtheta; dx [inputs, B] is overwritten, or added to where `add`; NULL when nobody
   wants it. Pure. Local. */
void flo_dense_backward(const flo_dense *dense, const flo_real *theta,
                        const flo_pass *pass, bool add, const flo_real *x,
                        const flo_real *dy, flo_real *dx, flo_real *dtheta);

/* The bias alone: y [n, B] = b, plus y itself where `add`; and dbias [n] += the sum of
   dy [n, B] over the batch. Pure. Local. */
void flo_bias_forward(int64_t n, int64_t B, bool add, const flo_real *bias,
                      flo_real *y);
void flo_bias_backward(int64_t n, int64_t B, const flo_real *dy, flo_real *dbias);

/* values [n] uniform in +-limit: numbers index .. index + n - 1 of a stream. Local. */
void flo_fill_uniform(flo_random_key key, int64_t index, int64_t n, flo_real limit,
                      flo_real *values);

#endif
