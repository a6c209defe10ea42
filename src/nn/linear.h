/* A map of a network: dense, or masked by the degrees of its units. */
#ifndef FLO_NN_LINEAR_H
#define FLO_NN_LINEAR_H

#include "nn/dense.h"
#include "nn/panels.h"

typedef struct flo_linear {
    flo_dense dense;    /* where weight and bias lie */
    flo_panels *panels; /* NULL: the weight is dense */
} flo_linear;

/* Adds NAME/weight, packed where degrees are not NULL, and NAME/bias to the layout.
   degrees is borrowed. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_linear_add(flo_layout *layout, const flo_degrees *degrees,
                                       flo_units inputs, flo_units outputs,
                                       const char *name, flo_linear *linear);

/* As flo_dense_init; a row of a masked map counts the inputs that it sees. */
void flo_linear_init(const flo_linear *linear, double limit, flo_random_key key,
                     flo_real *theta);

/* y [outputs, B] = W x [inputs, B] + b; B and the pass as in dense.h. Pure. Local. */
void flo_linear_forward(const flo_linear *linear, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *y);

/* From dy [outputs, B]: adds to the slices of W, if these are not fresh, and b in
   dtheta; dx [inputs, B] is overwritten; NULL when nobody wants it. Pure. Local. */
void flo_linear_backward(const flo_linear *linear, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, const flo_real *dy,
                         flo_real *dx, flo_real *dtheta);

/* Steps of a solve with a masked map, see flo_panels_solve_earlier. Pure. Local. */
void flo_linear_solve_earlier(const flo_linear *linear, const flo_real *theta,
                              int64_t block, int64_t B, const flo_real *x, flo_real *y);
void flo_linear_solve_degree(const flo_linear *linear, const flo_real *theta,
                             int64_t degree, int64_t B, const flo_real *x, flo_real *y);

#endif
