/* Rounding a vector at a time, for the loops of bf16.c and bf16_tile.c: by the
   machine's instruction where there is one. Every function takes the first n of its
   numbers and zeros after them, n from 0 on. */
#ifndef FLO_LINALG_BF16_VECTOR_H
#define FLO_LINALG_BF16_VECTOR_H

#include "linalg/bf16.h"
#include "linalg/simd.h"

#include <string.h>

#ifdef FLO_BF16_MACHINE

#include <immintrin.h>

FLO_SIMD_INLINE __m512 flo_bf16_load(int64_t n, const flo_real *from)
{
    if (n >= FLO_BF16_VECTOR)
        return _mm512_loadu_ps(from);
    return _mm512_maskz_loadu_ps((__mmask16)(n > 0 ? (1u << n) - 1 : 0), from);
}

FLO_SIMD_INLINE __m256i flo_bf16_load_rounded(int64_t n, const flo_bf16 *from)
{
    if (n >= FLO_BF16_VECTOR)
        return _mm256_loadu_si256((const __m256i *)from);
    return _mm256_maskz_loadu_epi16((__mmask16)(n > 0 ? (1u << n) - 1 : 0), from);
}

/* Pairs of the lower and the upper half. */
FLO_SIMD_INLINE void flo_bf16_store_pairs(__m512i halves, flo_bf16_pair *to)
{
    const __m512i turns =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                         23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(turns, halves));
}

/* to [2 FLO_BF16_VECTOR] of from. */
FLO_SIMD_INLINE void flo_bf16_round_vector(int64_t n, const flo_real *from,
                                           flo_bf16 *to)
{
    const __m512 low = flo_bf16_load(n, from);
    const __m512 high = flo_bf16_load(n - FLO_BF16_VECTOR, from + FLO_BF16_VECTOR);
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

/* to [FLO_BF16_VECTOR] of pairs (first[j], second[j]). */
FLO_SIMD_INLINE void flo_bf16_pair_vector(int64_t n, const flo_real *first,
                                          const flo_real *second, flo_bf16_pair *to)
{
    const __m512 low = flo_bf16_load(n, first), high = flo_bf16_load(n, second);
    flo_bf16_store_pairs((__m512i)_mm512_cvtne2ps_pbh(high, low), to);
}

FLO_SIMD_INLINE void flo_bf16_pair_rounded(int64_t n, const flo_bf16 *first,
                                           const flo_bf16 *second, flo_bf16_pair *to)
{
    const __m256i low = flo_bf16_load_rounded(n, first);
    const __m256i high = flo_bf16_load_rounded(n, second);
    flo_bf16_store_pairs(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), to);
}

#else

FLO_SIMD_INLINE flo_bf16 flo_bf16_number(flo_real x)
{
    const float narrow = (float)x;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if ((bits & 0x7f800000) == 0)
        bits &= 0x80000000;
    else if ((bits & 0x7fffffff) > 0x7f800000)
        bits |= 0x400000; /* not a number: stays one */
    else
        bits += 0x7fff + ((bits >> 16) & 1);
    return (flo_bf16)(bits >> 16);
}

FLO_SIMD_INLINE void flo_bf16_round_vector(int64_t n, const flo_real *from,
                                           flo_bf16 *to)
{
    for (int i = 0; i < 2 * FLO_BF16_VECTOR; i++)
        to[i] = i < n ? flo_bf16_number(from[i]) : 0;
}

FLO_SIMD_INLINE void flo_bf16_pair_vector(int64_t n, const flo_real *first,
                                          const flo_real *second, flo_bf16_pair *to)
{
    for (int j = 0; j < FLO_BF16_VECTOR; j++)
        to[j] = j < n ? flo_bf16_number(first[j]) | (uint32_t)flo_bf16_number(second[j])
                                                        << 16
                      : 0;
}

FLO_SIMD_INLINE void flo_bf16_pair_rounded(int64_t n, const flo_bf16 *first,
                                           const flo_bf16 *second, flo_bf16_pair *to)
{
    for (int j = 0; j < FLO_BF16_VECTOR; j++)
        to[j] = j < n ? first[j] | (uint32_t)second[j] << 16 : 0;
}

#endif

#endif
