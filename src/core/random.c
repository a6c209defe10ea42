/* Counter-based random numbers by Philox4x32-10 of Random123.

   A stream is (seed, purpose, a, b) and the kind of draw. One Philox block, with the
   seed as its key and the rest as its counter, gives 128 bits of which half become the
   key of the stream and half the upper words of its counters; the lower words count its
   blocks. Philox is a bijection of counters, so two streams of one seed differ in key
   or counter: they never meet, and no number of a stream comes twice from one counter.

       word:     0              1              2            3
       derive:   a low          a high         b            purpose + 2^16 * kind
       block n:  n low          n high         derived[2]   derived[3]
       key:      seed or derived[0]            seed or derived[1]

   A block is 4 words of 32 bits, or 2 of 64 (the first word is the low half): draw
   `index` is word index % W of block index / W, for W draws of that size a block. */
#include "core/random.h"

#include "core/elementary.h"

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

/* Kinds of draw: each kind reads a stream of its own, so that bits and normal numbers
   of one key are independent. The values are part of the file format. */
typedef enum kind {
    KIND_BITS = 0,
    KIND_UNIFORM = 1,
    KIND_NORMAL = 2,
    KIND_PERMUTATION = 3
} kind;

typedef struct stream {
    philox4x32_key_t key;
    uint32_t upper[2];
} stream;

enum {
    BATCH = 64, /* blocks made at a time: the words stay in cache */
    WORDS = 4 * BATCH,
    LONGS = 2 * BATCH,                       /* 64-bit words of a batch */
    WIDTH = 16 / (int)sizeof(flo_real_bits), /* draws of a block */
    DRAWS = WIDTH * BATCH
};

static uint32_t low(uint64_t x)
{
    return (uint32_t)(x & UINT32_MAX);
}

static uint32_t high(uint64_t x)
{
    return (uint32_t)(x >> 32);
}

static stream derive(flo_random_key key, kind what)
{
    const philox4x32_key_t seed = {{low(key.seed), high(key.seed)}};
    const philox4x32_ctr_t name = {
        {low(key.a), high(key.a), key.b, (uint32_t)key.purpose | (uint32_t)what << 16}};
    const philox4x32_ctr_t derived = philox4x32(name, seed);
    return (stream){.key = {{derived.v[0], derived.v[1]}},
                    .upper = {derived.v[2], derived.v[3]}};
}

/* The words of blocks first .. first + blocks - 1; the compiler vectorises it. */
static void fill_words(stream s, uint64_t first, int64_t blocks, uint32_t *words)
{
    for (int64_t i = 0; i < blocks; i++) {
        const uint64_t n = first + (uint64_t)i;
        const philox4x32_ctr_t counter = {{low(n), high(n), s.upper[0], s.upper[1]}};
        const philox4x32_ctr_t block = philox4x32(counter, s.key);
        for (int w = 0; w < 4; w++)
            words[4 * i + w] = block.v[w];
    }
}

static uint64_t long_at(const uint32_t *words, int64_t i)
{
    return words[2 * i] | (uint64_t)words[2 * i + 1] << 32;
}

uint64_t flo_random_bits(flo_random_key key, uint64_t index)
{
    uint32_t words[4];
    fill_words(derive(key, KIND_BITS), index / 2, 1, words);
    return long_at(words, (int64_t)(index % 2));
}

/* unit: the middle of one of 2^23 (2^52) equal cells of (0, 1), exact. unit_tail: for
   the radius of Box-Muller, whose tail ends where u does: in float it keeps 31 bits, so
   that normals reach 6.7; 1 itself may occur, its radius is 0. In double 52 bits reach
   8.6. */
#ifdef FLOTILLA_DOUBLE
static flo_real_bits draw_at(const uint32_t *words, int64_t i)
{
    return long_at(words, i);
}

static flo_real unit(flo_real_bits bits)
{
    return flo_real_of_bits(bits >> 12 | flo_bits_of_real(1)) - 1 + 0x1p-53;
}

static flo_real unit_tail(flo_real_bits bits)
{
    return unit(bits);
}

static flo_real square_root(flo_real x)
{
    return sqrt(x);
}
#else
static flo_real_bits draw_at(const uint32_t *words, int64_t i)
{
    return words[i];
}

static flo_real unit(flo_real_bits bits)
{
    return flo_real_of_bits(bits >> 9 | flo_bits_of_real(1)) - 1 + 0x1p-24f;
}

static flo_real unit_tail(flo_real_bits bits)
{
    return ((flo_real)(int32_t)(bits >> 1) + 0.5f) * 0x1p-31f;
}

static flo_real square_root(flo_real x)
{
    return sqrtf(x);
}
#endif

static void uniform_of_words(int64_t count, const uint32_t *words, flo_real *u)
{
    for (int64_t i = 0; i < count; i++)
        u[i] = unit(draw_at(words, i));
}

/* Box and Muller (1958): two uniforms give two normals, so a pair is draws 2p, 2p+1. */
static void normal_of_words(int64_t count, const uint32_t *words, flo_real *z)
{
    for (int64_t p = 0; p < count / 2; p++) {
        const flo_real square = -2 * flo_log(unit_tail(draw_at(words, 2 * p)));
        const flo_real radius = square_root(square);
        flo_real sine, cosine;
        flo_sincos_turns(unit(draw_at(words, 2 * p + 1)), &sine, &cosine);
        z[2 * p] = radius * cosine;
        z[2 * p + 1] = radius * sine;
    }
}

/* Whole blocks are converted, and the wanted draws among them copied: so a draw does
   not depend on where a call starts. */
static void draw(stream s, uint64_t index, int64_t count,
                 void (*convert)(int64_t, const uint32_t *, flo_real *),
                 flo_real *values)
{
    uint32_t words[WORDS];
    flo_real converted[DRAWS];
    while (count > 0) {
        const int64_t skip = (int64_t)(index % WIDTH);
        const int64_t take = count < DRAWS - skip ? count : DRAWS - skip;
        const int64_t blocks = (skip + take + WIDTH - 1) / WIDTH;
        fill_words(s, index / WIDTH, blocks, words);
        convert(blocks * WIDTH, words, converted);
        memcpy(values, converted + skip, (size_t)take * sizeof *values);
        values += take;
        index += (uint64_t)take;
        count -= take;
    }
}

void flo_random_uniform(flo_random_key key, uint64_t index, int64_t count, flo_real *u)
{
    draw(derive(key, KIND_UNIFORM), index, count, uniform_of_words, u);
}

void flo_random_normal(flo_random_key key, uint64_t index, int64_t count, flo_real *z)
{
    draw(derive(key, KIND_NORMAL), index, count, normal_of_words, z);
}

/* floor(bits * n / 2^64), 0 < n < 2^32: a number below n, uniform to n / 2^64. */
static uint64_t below(uint64_t n, uint64_t bits)
{
    return (high(bits) * n + (low(bits) * n >> 32)) >> 32;
}

/* Number i of the stream says which of order[0 .. count-1-i] goes to the end. */
void flo_random_permutation(flo_random_key key, int64_t count, int32_t *order)
{
    const stream s = derive(key, KIND_PERMUTATION);
    uint32_t words[WORDS];
    for (int64_t i = 0; i < count; i++)
        order[i] = (int32_t)i;
    for (int64_t i = 0; i < count - 1; i++) {
        if (i % LONGS == 0)
            fill_words(s, (uint64_t)i / 2, count - i < LONGS ? (count - i) / 2 : BATCH,
                       words);
        const int64_t last = count - 1 - i;
        const uint64_t chosen = below((uint64_t)last + 1, long_at(words, i % LONGS));
        const int32_t moved = order[chosen];
        order[chosen] = order[last];
        order[last] = moved;
    }
}
