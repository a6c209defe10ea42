/* exp, log, tanh, sigmoid, softplus and their kin, sin and cos of one flo_real, inline.

   flo_vector_exp and its sisters are loops over these functions, so a fused loop of a
   bijection that calls them gets the same bits. They have no branch, only selects: a
   loop over them is vectorised (gcc -O3). Largest errors found, in units in the last
   place of the result, over all arguments and down to subnormal results: exp and log
   1.0, sin and cos 1.1, log_logistic 1.5, log1p 1.6, softplus and log_sigmoid 1.7,
   expm1 1.8, log1m_exp 2.2, sigmoid and atanh 2.4, tanh 2.6, logit 2.8
   (tests/core/test_vector.c holds the limits). NaN gives NaN. All are pure and Local.
 */
#ifndef FLO_CORE_ELEMENTARY_H
#define FLO_CORE_ELEMENTARY_H

#include "core/polynomial.h"
#include "flotilla/real.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Stands before a loop whose turns do not depend on each other, though its pointers
   may be equal (y == x): without it, an in-place call would run unvectorised. */
#if defined(__clang__)
#define FLO_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define FLO_INDEPENDENT _Pragma("GCC ivdep")
#else
#define FLO_INDEPENDENT
#endif

/* The encoding of flo_real, and the limits that depend on it. Adding FLO_ROUNDER rounds
   to an integer and leaves that integer in the low bits. FLO_EXP_LOWEST gives 0,
   FLO_EXP_LOWEST_NORMAL still a normal number, FLO_EXP_HIGHEST infinity; tanh(x) rounds
   to 1 before 2 x is FLO_TANH_SATURATED. */
#ifdef FLOTILLA_DOUBLE
typedef uint64_t flo_real_bits;
#define FLO_FRACTION_BITS 52
#define FLO_EXPONENT_BIAS 1023u
#define FLO_SMALLEST_NORMAL 0x1p-1022
#define FLO_LARGEST 0x1.fffffffffffffp1023
#define FLO_EPSILON 0x1p-52
#define FLO_ROUNDER 0x1.8p52
#define FLO_EXP_LOWEST -746.0
#define FLO_EXP_LOWEST_NORMAL -708.0
#define FLO_EXP_HIGHEST 710.0
#define FLO_TANH_SATURATED 40.0
#else
typedef uint32_t flo_real_bits;
#define FLO_FRACTION_BITS 23
#define FLO_EXPONENT_BIAS 127u
#define FLO_SMALLEST_NORMAL 0x1p-126f
#define FLO_LARGEST 0x1.fffffep127f
#define FLO_EPSILON 0x1p-23f
#define FLO_ROUNDER 0x1.8p23f
#define FLO_EXP_LOWEST -104.0f
#define FLO_EXP_LOWEST_NORMAL -87.0f
#define FLO_EXP_HIGHEST 89.0f
#define FLO_TANH_SATURATED 20.0f
#endif

static inline flo_real_bits flo_bits_of_real(flo_real x)
{
    flo_real_bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline flo_real flo_real_of_bits(flo_real_bits bits)
{
    flo_real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* |x|, and x with the sign of y, by their bits (no libm in an unoptimised build). */
static inline flo_real flo_magnitude(flo_real x)
{
    return flo_real_of_bits(flo_bits_of_real(x) & ~(flo_real_bits)0 >> 1);
}

static inline flo_real flo_with_sign(flo_real x, flo_real y)
{
    const flo_real_bits rest = ~(flo_real_bits)0 >> 1;
    return flo_real_of_bits((flo_bits_of_real(x) & rest) |
                            (flo_bits_of_real(y) & ~rest));
}

/* x * rate, rounded to a whole number; beyond 2^22 (float; 2^51) it has no digits left
   to round. Pure. Local. */
static inline flo_real flo_nearest_turn(flo_real x, flo_real rate)
{
    return FLO_FUSED(x, rate, FLO_ROUNDER) - FLO_ROUNDER;
}

/* e^r - 1 where x = n ln 2 + r, |r| <= ln 2 / 2. */
static inline flo_real flo_expm1_rest(flo_real x, flo_real n)
{
    const flo_real high = FLO_FUSED(-n, FLO_LN2_HIGH, x);
    const flo_real r = FLO_FUSED(-n, FLO_LN2_LOW, high);
    return FLO_FUSED(r * r, flo_horner(FLO_EXP_TERMS, flo_exp_terms, r), r);
}

/* The same, finding n, which is given in two's complement. */
static inline flo_real flo_expm1_reduced(flo_real x, flo_real_bits *n)
{
    const flo_real log2_e = (flo_real)0x1.71547652b82fep+0;
    const flo_real rounded = FLO_FUSED(x, log2_e, FLO_ROUNDER);
    *n = flo_bits_of_real(rounded) - flo_bits_of_real(FLO_ROUNDER);
    return flo_expm1_rest(x, rounded - FLO_ROUNDER);
}

/* e^x. The power of two is applied in halves, so that subnormal results are rounded
   once and overflow gives infinity. */
static inline flo_real flo_exp(flo_real x)
{
    const flo_real above = x < FLO_EXP_LOWEST ? FLO_EXP_LOWEST : x;
    const flo_real inside = above > FLO_EXP_HIGHEST ? FLO_EXP_HIGHEST : above;
    flo_real_bits n;
    const flo_real p = flo_expm1_reduced(inside, &n);
    const flo_real_bits exponent = n + 2 * FLO_EXPONENT_BIAS;
    const flo_real_bits half = exponent >> 1;
    return (1 + p) * flo_real_of_bits(half << FLO_FRACTION_BITS) *
           flo_real_of_bits((exponent - half) << FLO_FRACTION_BITS);
}

/* e^x of x <= 0, not below the smallest normal number: one power of two is enough, and
   its biased exponent comes from the rounding. */
static inline flo_real flo_exp_nonpositive(flo_real x)
{
    const flo_real log2_e = (flo_real)0x1.71547652b82fep+0;
    const flo_real rounder = FLO_ROUNDER + FLO_EXPONENT_BIAS;
    const flo_real inside = x < FLO_EXP_LOWEST_NORMAL ? FLO_EXP_LOWEST_NORMAL : x;
    const flo_real rounded = FLO_FUSED(inside, log2_e, rounder);
    const flo_real p = flo_expm1_rest(inside, rounded - rounder);
    return (1 + p) * flo_real_of_bits(flo_bits_of_real(rounded) << FLO_FRACTION_BITS);
}

/* k ln 2 + log(1 + f), sqrt(1/2) <= 1 + f <= sqrt(2); s = f / (2 + f) in the series of
   the area hyperbolic tangent, and f^2 / 2 taken out so that f itself is not rounded
   (as in fdlibm's e_log.c). */
static inline flo_real flo_log_reduced(flo_real k, flo_real f)
{
    const flo_real s = f / (2 + f);
    const flo_real s2 = s * s;
    const flo_real square = (flo_real)0.5 * f * f;
    const flo_real series = s2 * flo_horner(FLO_LOG_TERMS, flo_log_terms, s2);
    const flo_real small = FLO_FUSED(s, square + series, k * FLO_LN2_LOW);
    return FLO_FUSED(k, FLO_LN2_HIGH, f - (square - small));
}

/* x = 2^k m with m in [sqrt(1/2), sqrt(2)), x positive and finite: the bits of x, less
   those of sqrt(1/2), have k in the exponent. */
static inline flo_real flo_log_split(flo_real x, flo_real *k)
{
    const flo_real_bits one = (flo_real_bits)FLO_EXPONENT_BIAS << FLO_FRACTION_BITS;
    const flo_real_bits root = flo_bits_of_real((flo_real)0x1.6a09e667f3bcdp-1);
    const flo_real_bits fraction = ((flo_real_bits)1 << FLO_FRACTION_BITS) - 1;
    const flo_real up = (flo_real)((flo_real_bits)1 << FLO_FRACTION_BITS);

    const int subnormal = x < FLO_SMALLEST_NORMAL;
    const flo_real normal = subnormal ? x * up : x;
    const flo_real_bits bits = flo_bits_of_real(normal) + (one - root);
    /* The biased exponent becomes a real without a conversion: as low bits of `up`. */
    const flo_real biased =
        flo_real_of_bits((bits >> FLO_FRACTION_BITS) | flo_bits_of_real(up)) - up;
    const flo_real bias = (flo_real)FLO_EXPONENT_BIAS;
    *k = biased - (subnormal ? bias + FLO_FRACTION_BITS : bias);
    return flo_real_of_bits((bits & fraction) + root);
}

/* y = log x where x is positive and finite; else what log x is. */
static inline flo_real flo_log_or_limit(flo_real x, flo_real y)
{
    const flo_real finite = x > 0 ? y : x == 0 ? -(flo_real)INFINITY : (flo_real)NAN;
    return x == (flo_real)INFINITY ? x : finite;
}

/* log x: -infinity at 0, NaN below. */
static inline flo_real flo_log(flo_real x)
{
    flo_real k;
    const flo_real m = flo_log_split(x, &k);
    return flo_log_or_limit(x, flo_log_reduced(k, m - 1));
}

/* log(1 + x), where u is 1 + x as it was rounded: what u lost is added, from 1/2 to 2
   where the difference is exact and counts. */
static inline flo_real flo_log1p_rounded(flo_real x, flo_real u)
{
    flo_real k;
    const flo_real m = flo_log_split(u, &k);
    const flo_real lost =
        u >= (flo_real)0.5 && u <= 2 && k != 0 ? (x - (u - 1)) / u : 0;
    return flo_log_or_limit(u, flo_log_reduced(k, k == 0 ? x : m - 1) + lost);
}

/* log(1 + x): -infinity at -1, NaN below. */
static inline flo_real flo_log1p(flo_real x)
{
    return flo_log1p_rounded(x, 1 + x);
}

/* log(p / q), p and q not both 0, where p - q is known better than p and q tell. */
static inline flo_real flo_log_ratio(flo_real p, flo_real q, flo_real difference)
{
    return flo_log1p_rounded(difference / q, p / q);
}

/* log(p / (1 - p)), the inverse of the sigmoid: infinite at 0 and 1, NaN outside. */
static inline flo_real flo_logit(flo_real p)
{
    return flo_log_ratio(p, 1 - p, 2 * p - 1);
}

/* The inverse of tanh: infinite at -1 and 1, NaN outside. */
static inline flo_real flo_atanh(flo_real y)
{
    const flo_real size = flo_magnitude(y);
    const flo_real twice = flo_log1p(2 * size / (1 - size));
    return flo_with_sign((flo_real)0.5 * twice, y);
}

/* e^x - 1 = 2^n p + (2^n - 1). Half of it is formed first: 2^n alone may overflow. */
static inline flo_real flo_expm1(flo_real x)
{
    const flo_real above = x < -FLO_TANH_SATURATED ? -FLO_TANH_SATURATED : x;
    const flo_real inside = above > FLO_EXP_HIGHEST ? FLO_EXP_HIGHEST : above;
    flo_real_bits n;
    const flo_real p = flo_expm1_reduced(inside, &n);
    const flo_real half =
        flo_real_of_bits((n + FLO_EXPONENT_BIAS - 1) << FLO_FRACTION_BITS);
    const flo_real y = 2 * FLO_FUSED(half, p, half - (flo_real)0.5);
    return n == 0 ? p : y; /* half of a subnormal p would be rounded */
}

/* tanh x = e / (e + 2), e = exp(2 |x|) - 1, with the sign of x. */
static inline flo_real flo_tanh(flo_real x)
{
    const flo_real twice = 2 * flo_magnitude(x);
    const flo_real inside = twice > FLO_TANH_SATURATED ? FLO_TANH_SATURATED : twice;
    flo_real_bits n;
    const flo_real p = flo_expm1_reduced(inside, &n);
    const flo_real power =
        flo_real_of_bits((n + FLO_EXPONENT_BIAS) << FLO_FRACTION_BITS);
    const flo_real e = FLO_FUSED(power, p, power - 1);
    return flo_with_sign(e / (e + 2), x);
}

/* 1 / (1 + e^-x), from e^-|x| so that it never overflows and is exact to the last
   places for very negative x too. */
static inline flo_real flo_sigmoid(flo_real x)
{
    const flo_real e = flo_exp(-flo_magnitude(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* log(1 + e^x) = max(x, 0) + log(1 + t), t = e^-|x|. Where 1 + t is above sqrt(2) it is
   halved: (t - 1) / 2 is exact there. */
static inline flo_real flo_softplus(flo_real x)
{
    const flo_real t = flo_exp(-flo_magnitude(x));
    const int large = t > (flo_real)0.41421356237309503;
    const flo_real f = large ? (flo_real)0.5 * (t - 1) : t;
    const flo_real log1p = flo_log_reduced(large ? 1 : 0, f);
    return (x > 0 ? x : 0) + log1p;
}

/* log(1 - e^-x) = log(-expm1(-x)), x >= 0: -infinity at 0, NaN below. */
static inline flo_real flo_log1m_exp(flo_real x)
{
    return flo_log1p_rounded(-flo_exp(-x), -flo_expm1(-x));
}

/* log sigmoid(x), also the log-slope of softplus. */
static inline flo_real flo_log_sigmoid(flo_real x)
{
    return -flo_softplus(-x);
}

/* log sigmoid(x) + log sigmoid(-x): the log-slope of sigmoid, the log-density of the
   logistic distribution. */
static inline flo_real flo_log_logistic(flo_real x)
{
    const flo_real size = flo_magnitude(x);
    return -(size + 2 * flo_softplus(-size));
}

/* sin and cos of 2 pi u, u in [0, 1]: u is a quarter turn q / 4 plus r, both exact. */
static inline void flo_sincos_turns(flo_real u, flo_real *sine, flo_real *cosine)
{
    const flo_real rounded = FLO_FUSED(u, 4, FLO_ROUNDER);
    const flo_real_bits q = flo_bits_of_real(rounded);
    const flo_real r = FLO_FUSED(rounded - FLO_ROUNDER, (flo_real)-0.25, u);
    const flo_real r2 = r * r;
    const flo_real tail = r2 * flo_horner(FLO_SINE_TERMS - 1, flo_sine_terms + 1, r2);
    const flo_real s = FLO_FUSED(r, flo_sine_terms[0], r * tail);
    const flo_real c =
        FLO_FUSED(r2, flo_horner(FLO_COSINE_TERMS, flo_cosine_terms, r2), 1);
    const flo_real sine_size = q & 1 ? c : s;
    const flo_real cosine_size = q & 1 ? s : c;
    *sine = q & 2 ? -sine_size : sine_size;
    *cosine = (q + 1) & 2 ? -cosine_size : cosine_size;
}

/* x, or the end of [low, high] that is nearest to it. NaN stays. */
static inline flo_real flo_inside(flo_real x, flo_real low, flo_real high)
{
    const flo_real above = x < low ? low : x;
    return above > high ? high : above;
}

/* The next number above x, which is finite. */
static inline flo_real flo_next_above(flo_real x)
{
#ifdef FLOTILLA_DOUBLE
    return nextafter(x, (double)INFINITY);
#else
    return nextafterf(x, INFINITY);
#endif
}

#endif
