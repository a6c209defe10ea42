/* Products of Householder reflections of rows: H_K ... H_1 x, H_k = I - 2 u_k u_k^T,
   u_k = v_k / |v_k|. A vector too short to have a direction reflects nothing. */
#ifndef FLO_BIJECTIONS_REFLECTIONS_H
#define FLO_BIJECTIONS_REFLECTIONS_H

#include "flotilla/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct flo_reflections {
    int64_t count, features; /* K, D */
} flo_reflections;

/* Reals of scratch for B rows. Pure. Local. */
int64_t flo_reflections_scratch(const flo_reflections *r, int64_t B);

/* to [B, D] from rows [B, D] by vectors v [K, D]: H_K ... H_1 of each (forward), or the
   inverse, H_1 ... H_K. a [B, K] is what backward wants to know of a forward. Pure.
   Local. */
void flo_reflections_apply(const flo_reflections *r, const flo_real *vectors,
                           bool forward, int64_t B, const flo_real *from, flo_real *to,
                           flo_real *a, flo_real *scratch);

/* After apply forward of x: from dz [B, D], overwrites dx [B, D] and adds to dvectors
   [K, D]. Pure. Local. */
void flo_reflections_backward(const flo_reflections *r, const flo_real *vectors,
                              int64_t B, const flo_real *x, const flo_real *a,
                              const flo_real *dz, flo_real *dx, flo_real *dvectors,
                              flo_real *scratch);

#endif
