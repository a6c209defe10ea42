/* What the products of conditioners take in. */
#ifndef FLO_CORE_GEMM_H
#define FLO_CORE_GEMM_H

#include "flotilla/real.h"

#include <stdint.h>

#define FLO_GEMM_CHOICES "full|bf16"

/* In the order of FLO_GEMM_CHOICES. */
typedef enum flo_gemm {
    FLO_GEMM_FULL, /* flo_real as it is */
    FLO_GEMM_BF16, /* operands rounded to bfloat16, sums in float */
} flo_gemm;

typedef uint16_t flo_bf16; /* bfloat16: the upper half of a float */

/* Parameters and their rounded copy, for products of rounded operands: number i of the
   one is number i of the other. Products in full have none (NULL). */
typedef struct flo_rounded {
    const flo_real *theta; /* [P] */
    const flo_bf16 *copy;  /* [P] */
} flo_rounded;

#endif
