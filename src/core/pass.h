/* What a kernel is handed besides its arrays: rows, context, memory, random numbers. */
#ifndef FLO_CORE_PASS_H
#define FLO_CORE_PASS_H

#include "core/gemm.h"
#include "flotilla/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct flo_pass {
    int64_t rows;            /* B */
    const flo_real *context; /* [B, C]; unused where C is 0 */
    flo_real *cache;       /* [B * cache of the kind]: forward writes, backward reads */
    flo_real *scratch;     /* [B * scratch + scratch_fixed of the kind]: free */
    const flo_real *noise; /* [B, noise of the kind], uniform in (0, 1): dropout,
                              dequantisation */
    bool training;         /* dropout applies */
    const flo_rounded *rounded; /* for the products of conditioners; NULL: in full */
    bool fresh; /* backward: what stands in dtheta for weights of linear maps (decay in
                   core/layout.h) has no meaning and is overwritten, not added to */
} flo_pass;

#endif
