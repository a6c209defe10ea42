/* Noise by content: a scrambled Sobol sequence (Sobol 1967; directions of Joe & Kuo
   2008) a row, so that few draws do for the mean over a bin. Owen's scrambling by
   hashing (Burley 2020, Practical Hash-based Owen Scrambling); beyond eight columns the
   sequence is repeated for the next eight in a shuffled order, with scrambles of its
   own. */
#include "flow/row_noise.h"

enum { DIMENSIONS = 8, BITS = 32 };

/* Draws of a row, and the numbers in them, where nobody says otherwise. */
enum { LEAST_DRAWS = 8, MOST_DRAWS = 128, NUMBERS = 2048 };

int64_t flo_flow_draws(const flo_flow *flow)
{
    int64_t columns = 0;
    for (int64_t k = 0; k < flow->fixed; k++)
        if (flow->layer[k].bijection->dithers)
            columns += flow->layer[k].bijection->noise;
    if (columns == 0)
        return 0;
    return columns <= NUMBERS / MOST_DRAWS    ? MOST_DRAWS
           : columns >= NUMBERS / LEAST_DRAWS ? LEAST_DRAWS
                                              : NUMBERS / columns;
}

/* The finalizer of SplitMix64 (Steele et al. 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint64_t add_values(uint64_t hash, int64_t count, const flo_real *value)
{
    for (int64_t j = 0; j < count; j++) {
        const union {
            double number;
            uint64_t bits;
        } of = {.number = (double)value[j] + 0.0}; /* -0 becomes 0 */
        hash = mix((hash ^ of.bits) + UINT64_C(0x9E3779B97F4A7C15));
    }
    return hash;
}

uint64_t flo_row_hash(const flo_flow *flow, const flo_real *x, const flo_real *context)
{
    return add_values(add_values(flow->seed, flow->features, x), flow->context,
                      context);
}

/* Direction numbers of the dimensions, the highest bit first: polynomial (degree,
   inner coefficients) and initial numbers. */
static const struct direction {
    uint32_t degree, inner, first[5];
} directions[DIMENSIONS] = {{0, 0, {0}},           {1, 0, {1}},
                            {2, 1, {1, 3}},        {3, 1, {1, 3, 1}},
                            {3, 2, {1, 1, 1}},     {4, 1, {1, 1, 3, 3}},
                            {4, 4, {1, 3, 5, 13}}, {5, 2, {1, 1, 5, 5, 17}}};

static uint32_t reversed(uint32_t v)
{
    v = (v >> 1 & 0x55555555u) | (v & 0x55555555u) << 1;
    v = (v >> 2 & 0x33333333u) | (v & 0x33333333u) << 2;
    v = (v >> 4 & 0x0F0F0F0Fu) | (v & 0x0F0F0F0Fu) << 4;
    v = (v >> 8 & 0x00FF00FFu) | (v & 0x00FF00FFu) << 8;
    return v >> 16 | v << 16;
}

/* Nested uniform scrambling of the bits of v, the highest first (Laine & Karras 2011,
   as improved by Vegdahl 2021). */
static uint32_t scrambled(uint32_t v, uint32_t seed)
{
    v = reversed(v) + seed;
    v ^= v * 0x6C50B47Cu;
    v ^= v * 0xB82F1E52u;
    v ^= v * 0xC7AFE638u;
    v ^= v * 0x8D22F6E6u;
    return reversed(v);
}

/* Number `index` of the sequence in one dimension. */
static uint32_t sobol(const struct direction *d, uint32_t index)
{
    uint32_t number[BITS], value = 0;
    for (uint32_t i = 0; index >> i; i++) { /* m_i 2^(31 - i) */
        number[i] = 1u << (BITS - 1 - i);
        if (d->degree && i < d->degree)
            number[i] = d->first[i] << (BITS - 1 - i);
        else if (d->degree) {
            number[i] = number[i - d->degree] ^ number[i - d->degree] >> d->degree;
            for (uint32_t k = 1; k < d->degree; k++)
                if (d->inner >> (d->degree - 1 - k) & 1)
                    number[i] ^= number[i - k];
        }
        if (index >> i & 1)
            value ^= number[i];
    }
    return value;
}

/* The place of draw `draw` of `draws` in a shuffled order of the sequence, by which
   every first 2^k numbers stay such ones. */
static uint32_t shuffled(uint32_t draw, int64_t draws, uint32_t seed)
{
    uint32_t bits = 0;
    while (bits < BITS - 1 && (int64_t)1 << bits < draws)
        bits++;
    return bits ? scrambled(draw << (BITS - bits), seed) >> (BITS - bits) : 0;
}

/* The middle of one of 2^23 equal cells of (0, 1): exact in flo_real. */
static flo_real unit(uint32_t v)
{
    return ((flo_real)(v >> 9) + (flo_real)0.5) * (flo_real)0x1p-23;
}

void flo_row_noise(const flo_flow *flow, int64_t layer, uint64_t hash, int64_t draw,
                   int64_t draws, flo_real *noise)
{
    const int64_t n = flow->layer[layer].bijection->noise;
    uint64_t name = mix(hash + (uint64_t)layer);
    uint32_t index = (uint32_t)draw;
    for (int64_t j = 0; j < n; j++) {
        const struct direction *const d = &directions[j % DIMENSIONS];
        name += UINT64_C(0x9E3779B97F4A7C15);
        const uint64_t seed = mix(name);
        if (j && j % DIMENSIONS == 0)
            index = shuffled((uint32_t)draw, draws, (uint32_t)(seed >> 32));
        noise[j] = unit(scrambled(sobol(d, index), (uint32_t)seed));
    }
}
