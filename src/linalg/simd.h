/* The widest vectors that the program is compiled for, as the compilers' vector types.
 */
#ifndef FLO_LINALG_SIMD_H
#define FLO_LINALG_SIMD_H

#include "flotilla/real.h"

#if defined(__AVX512F__)
#define FLO_SIMD_BYTES 64
#elif defined(__AVX__)
#define FLO_SIMD_BYTES 32
#else
#define FLO_SIMD_BYTES 16
#endif

enum { FLO_SIMD = FLO_SIMD_BYTES / (int)sizeof(flo_real) }; /* reals of a vector */

typedef flo_real flo_simd __attribute__((vector_size(FLO_SIMD_BYTES)));
typedef flo_real flo_simd_unaligned
    __attribute__((vector_size(FLO_SIMD_BYTES), aligned(sizeof(flo_real)), may_alias));

/* What must be inlined and unrolled, so that arrays of vectors are registers. */
#define FLO_SIMD_INLINE static inline __attribute__((always_inline))
#define FLO_SIMD_UNROLLED _Pragma("GCC unroll 16")

FLO_SIMD_INLINE flo_simd flo_simd_load(const flo_real *from)
{
    return *(const flo_simd_unaligned *)from;
}

FLO_SIMD_INLINE void flo_simd_store(flo_real *to, flo_simd v)
{
    *(flo_simd_unaligned *)to = v;
}

#endif
