/* Loops over the elementary functions, and sums in a fixed order. */
#include "core/vector.h"

#include "core/elementary.h"

void flo_vector_exp(int64_t n, const flo_real *x, flo_real *y)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = flo_exp(x[i]);
}

void flo_vector_log(int64_t n, const flo_real *x, flo_real *y)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = flo_log(x[i]);
}

void flo_vector_tanh(int64_t n, const flo_real *x, flo_real *y)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = flo_tanh(x[i]);
}

void flo_vector_sigmoid(int64_t n, const flo_real *x, flo_real *y)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = flo_sigmoid(x[i]);
}

void flo_vector_softplus(int64_t n, const flo_real *x, flo_real *y)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = flo_softplus(x[i]);
}

void flo_vector_sincos_turns(int64_t n, const flo_real *u, flo_real *sine,
                             flo_real *cosine)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        flo_sincos_turns(u[i], &sine[i], &cosine[i]);
}

/* Blocks keep the rounding error of a long sum small; the partial sums of a block are
   what one or more vector registers hold. */
enum { BLOCK = 4096, PARTIALS = 16 };

static double fold(double *partial)
{
    for (int half = PARTIALS / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            partial[j] += partial[j + half];
    return partial[0];
}

static double block_sum(int64_t n, const flo_real *x)
{
    double partial[PARTIALS] = {0};
    int64_t i = 0;
    for (; i + PARTIALS <= n; i += PARTIALS)
        for (int j = 0; j < PARTIALS; j++)
            partial[j] += (double)x[i + j];
    for (int j = 0; i + j < n; j++)
        partial[j] += (double)x[i + j];
    return fold(partial);
}

static double block_sum_squares(int64_t n, const flo_real *x)
{
    double partial[PARTIALS] = {0};
    int64_t i = 0;
    for (; i + PARTIALS <= n; i += PARTIALS)
        for (int j = 0; j < PARTIALS; j++)
            partial[j] += (double)x[i + j] * (double)x[i + j];
    for (int j = 0; i + j < n; j++)
        partial[j] += (double)x[i + j] * (double)x[i + j];
    return fold(partial);
}

static double sum_of_blocks(int64_t n, const flo_real *x,
                            double (*block)(int64_t, const flo_real *))
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += BLOCK)
        sum += block(n - i < BLOCK ? n - i : BLOCK, x + i);
    return sum;
}

double flo_vector_sum(int64_t n, const flo_real *x)
{
    return sum_of_blocks(n, x, block_sum);
}

double flo_vector_sum_squares(int64_t n, const flo_real *x)
{
    return sum_of_blocks(n, x, block_sum_squares);
}

/* x - x is +0, or NaN for NaN and infinity: a block is judged without a branch. */
static int all_finite(int64_t n, const flo_real *x)
{
    flo_real_bits found = 0;
    for (int64_t i = 0; i < n; i++)
        found |= flo_bits_of_real(x[i] - x[i]);
    return found == 0;
}

/* Encodings without their signs are in the order of the numbers; the difference of two
   has the sign's place set where the second is larger. */
bool flo_vector_passes(int64_t n, const flo_real *x, flo_real limit)
{
    const flo_real_bits most = flo_bits_of_real(limit), rest = ~(flo_real_bits)0 >> 1;
    flo_real_bits found = 0;
    for (int64_t i = 0; i < n; i++)
        found |= most - (flo_bits_of_real(x[i]) & rest);
    return found > rest;
}

int64_t flo_vector_first_nonfinite(int64_t n, const flo_real *x)
{
    int64_t i = 0;
    while (i < n && all_finite(n - i < BLOCK ? n - i : BLOCK, x + i))
        i += n - i < BLOCK ? n - i : BLOCK;
    while (i < n && isfinite(x[i]))
        i++;
    return i;
}
