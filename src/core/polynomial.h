/* Minimax polynomials behind the elementary functions, in the precision of flo_real.

   Each table holds the coefficients, constant term first, of the polynomial that the
   comment above it names (Remez exchange in 50 digits; the error is that of the exact
   polynomial, so rounding adds to it). Every sum is an explicit fma: the compiler is
   told not to contract, hence a value has the same bits wherever it is computed. */
#ifndef FLO_CORE_POLYNOMIAL_H
#define FLO_CORE_POLYNOMIAL_H

#include "flotilla/real.h"

#ifdef FLOTILLA_DOUBLE
#define FLO_FUSED(a, b, c) __builtin_fma(a, b, c)

/* ln 2 in two parts; the first ends in zeros, so n * FLO_LN2_HIGH is exact. */
#define FLO_LN2_HIGH 0x1.62e42fefa3p-1
#define FLO_LN2_LOW 0x1.3de6af278ece6p-42

/* (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2; e^r errs by 2^-64. */
static const flo_real flo_exp_terms[] = {
    0x1p-1,
    0x1.555555555555cp-3,
    0x1.555555555555ep-5,
    0x1.111111110eb94p-7,
    0x1.6c16c16c1354ap-10,
    0x1.a01a01b3c734fp-13,
    0x1.a01a01b465e81p-16,
    0x1.71ddef75299cbp-19,
    0x1.27e4bf11cd203p-22,
    0x1.af6d0304c8c81p-26,
    0x1.1f9e1a9523ed9p-29,
};

/* (log((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, |s| <= 0.1716; log errs by 2^-58. */
static const flo_real flo_log_terms[] = {
    0x1.5555555555593p-1, 0x1.999999997fb33p-2, 0x1.24924942178bfp-2,
    0x1.c71c51e809cb9p-3, 0x1.746646289cf8bp-3, 0x1.39a0f56b2284ap-3,
    0x1.2f0d8a5efd714p-3,
};

/* sin(2 pi r) / r in r^2, |r| <= 1/8; errs by 2^-58 of the sine. */
static const flo_real flo_sine_terms[] = {
    0x1.921fb54442d18p+2,  -0x1.4abbce625be41p+5, 0x1.466bc677587dp+6,
    -0x1.32d2cce2e2b31p+6, 0x1.50782fd6d48a3p+5,  -0x1.e3006e7cb95cep+3,
    0x1.e3f25799dd25dp+1,
};

/* (cos(2 pi r) - 1) / r^2 in r^2, |r| <= 1/8; the cosine errs by 2^-64. */
static const flo_real flo_cosine_terms[] = {
    -0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5ab0p+6,  -0x1.55d3c7e3c9586p+6,
    0x1.e1f50683aea4fp+5,  -0x1.a6d1ecb2b6962p+4, 0x1.f9cc672cd4e02p+2,
    -0x1.b26ec65a3129dp+0,
};
#else
#define FLO_FUSED(a, b, c) __builtin_fmaf(a, b, c)

/* ln 2 in two parts; the first ends in zeros, so n * FLO_LN2_HIGH is exact. */
#define FLO_LN2_HIGH 0x1.62e4p-1f
#define FLO_LN2_LOW 0x1.7f7d1cp-20f

/* (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2; e^r errs by 2^-34. */
static const flo_real flo_exp_terms[] = {
    0x1.000000p-1f, 0x1.555556p-3f,  0x1.555480p-5f,
    0x1.11107cp-7f, 0x1.6d96d2p-10f, 0x1.a1b83ap-13f,
};

/* (log((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, |s| <= 0.1716; log errs by 2^-30. */
static const flo_real flo_log_terms[] = {
    0x1.55557ap-1f,
    0x1.995e9cp-2f,
    0x1.31e67ap-2f,
};

/* sin(2 pi r) / r in r^2, |r| <= 1/8; errs by 2^-28 of the sine. */
static const flo_real flo_sine_terms[] = {
    0x1.921fb6p+2f,
    -0x1.4abbbap+5f,
    0x1.465ec0p+6f,
    -0x1.2d9a64p+6f,
};

/* (cos(2 pi r) - 1) / r^2 in r^2, |r| <= 1/8; the cosine errs by 2^-34. */
static const flo_real flo_cosine_terms[] = {
    -0x1.3bd3ccp+4f,
    0x1.03c1dep+6f,
    -0x1.55c65ep+6f,
    0x1.d9f5b4p+5f,
};
#endif

enum {
    FLO_EXP_TERMS = sizeof flo_exp_terms / sizeof(flo_real),
    FLO_LOG_TERMS = sizeof flo_log_terms / sizeof(flo_real),
    FLO_SINE_TERMS = sizeof flo_sine_terms / sizeof(flo_real),
    FLO_COSINE_TERMS = sizeof flo_cosine_terms / sizeof(flo_real)
};

/* terms[0] + terms[1] x + ... + terms[count-1] x^(count-1), by Horner. `count` is a
   constant at every call, so the loop is unrolled. Pure. Local. */
static inline flo_real flo_horner(int count, const flo_real *terms, flo_real x)
{
    flo_real sum = terms[count - 1];
    for (int k = count - 2; k >= 0; k--)
        sum = FLO_FUSED(sum, x, terms[k]);
    return sum;
}

#endif
