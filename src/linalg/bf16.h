/* Numbers rounded to bfloat16, alone and in pairs: the machine's instruction for
   products of bfloat16 takes two terms of a sum at a time.

   Rounding is to nearest, ties to even; what is too small for a normal number becomes
   zero, as the instruction has it. */
#ifndef FLO_LINALG_BF16_H
#define FLO_LINALG_BF16_H

#include "core/gemm.h"

#include <stdbool.h>

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && !defined(FLOTILLA_DOUBLE)
#define FLO_BF16_MACHINE /* compiled for a machine with the instruction */
#endif

/* Two terms, the first in the lower half; may lie at any number. */
typedef uint32_t flo_bf16_pair __attribute__((may_alias, aligned(2)));

enum { FLO_BF16_VECTOR = 16 }; /* pairs of a vector */

/* Whether products of bfloat16 are faster here than those of flo_real. Local. */
bool flo_bf16_pays(void);

/* n rounded up to whole vectors of numbers. */
int64_t flo_bf16_room(int64_t n);

/* to [n] of from [n]; zeros up to flo_bf16_room(n). Pure. Local. */
void flo_bf16_round(int64_t n, const flo_real *from, flo_bf16 *to);

#endif
