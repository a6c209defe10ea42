/* Rounding to bfloat16: by the machine's instruction where there is one. */
#include "linalg/bf16.h"

#include "core/integers.h"

#include <stddef.h>

enum { V = FLO_BF16_VECTOR };

bool flo_bf16_pays(void)
{
#ifdef FLO_BF16_MACHINE
    return true;
#else
    return false;
#endif
}

int64_t flo_bf16_room(int64_t n)
{
    return flo_divide_up(n, 2 * V) * 2 * V;
}

#ifdef FLO_BF16_MACHINE

#include <immintrin.h>

/* The first n numbers of a vector; zeros after them. */
static inline __m512 load(int64_t n, const flo_real *from)
{
    if (n >= V)
        return _mm512_loadu_ps(from);
    return _mm512_maskz_loadu_ps((__mmask16)(n > 0 ? (1u << n) - 1 : 0), from);
}

static inline __m256i load_rounded(int64_t n, const flo_bf16 *from)
{
    if (n >= V)
        return _mm256_loadu_si256((const __m256i *)from);
    return _mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), from);
}

/* Pairs of the lower and the upper half. */
static inline void store_pairs(__m512i halves, flo_bf16_pair *to)
{
    const __m512i turns =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                         23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(turns, halves));
}

void flo_bf16_round(int64_t n, const flo_real *from, flo_bf16 *to)
{
    for (int64_t i = 0; i < n; i += 2 * V)
        _mm512_storeu_si512(to + i,
                            (__m512i)_mm512_cvtne2ps_pbh(load(n - i - V, from + i + V),
                                                         load(n - i, from + i)));
}

void flo_bf16_pair_rows(int64_t n, const flo_real *first, const flo_real *second,
                        flo_bf16_pair *to)
{
    for (int64_t j = 0; j < n; j += V) {
        const __m512 low = load(n - j, first + j);
        const __m512 high = second ? load(n - j, second + j) : _mm512_setzero_ps();
        store_pairs((__m512i)_mm512_cvtne2ps_pbh(high, low), to + j);
    }
}

void flo_bf16_pair_rounded(int64_t n, const flo_bf16 *first, const flo_bf16 *second,
                           flo_bf16_pair *to)
{
    for (int64_t j = 0; j < n; j += V) {
        const __m256i low = load_rounded(n - j, first + j);
        const __m256i high =
            second ? load_rounded(n - j, second + j) : _mm256_setzero_si256();
        store_pairs(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), to + j);
    }
}

#else

#include <string.h>

static flo_bf16 rounded(flo_real x)
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

static flo_bf16_pair pair_of(flo_bf16 first, flo_bf16 second)
{
    return first | (uint32_t)second << 16;
}

void flo_bf16_round(int64_t n, const flo_real *from, flo_bf16 *to)
{
    for (int64_t i = 0; i < flo_bf16_room(n); i++)
        to[i] = i < n ? rounded(from[i]) : 0;
}

void flo_bf16_pair_rows(int64_t n, const flo_real *first, const flo_real *second,
                        flo_bf16_pair *to)
{
    for (int64_t j = 0; j < flo_divide_up(n, V) * V; j++)
        to[j] = j < n ? pair_of(rounded(first[j]), second ? rounded(second[j]) : 0) : 0;
}

void flo_bf16_pair_rounded(int64_t n, const flo_bf16 *first, const flo_bf16 *second,
                           flo_bf16_pair *to)
{
    for (int64_t j = 0; j < flo_divide_up(n, V) * V; j++)
        to[j] = j < n ? pair_of(first[j], second ? second[j] : 0) : 0;
}

#endif
