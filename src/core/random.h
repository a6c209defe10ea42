/* Counter-based random numbers: pure functions of (seed, purpose, counter). */
#ifndef FLO_CORE_RANDOM_H
#define FLO_CORE_RANDOM_H

#include "flotilla/real.h"

#include <stdint.h>

/* What a draw is for: two purposes never share a number. The values are part of the
   file format (a resumed run must draw the same), so rows are only ever added at the
   end. */
typedef enum flo_purpose {
    FLO_RANDOM_BLOCKS = 1,     /* the order of data blocks, dealt to lanes once */
    FLO_RANDOM_EPOCH = 2,      /* the order of blocks and rows in an epoch of a lane */
    FLO_RANDOM_SPLIT = 3,      /* which rows a validation or test fraction takes */
    FLO_RANDOM_PARAMETERS = 4, /* initial parameters */
    FLO_RANDOM_STRUCTURE = 5,  /* permutations and masks */
    FLO_RANDOM_DROPOUT = 6,    /* dropout masks */
    FLO_RANDOM_SAMPLES = 7,    /* base samples that are kept */
    FLO_RANDOM_OBJECTIVE = 8,  /* base samples of the reverse KL objective */
    FLO_RANDOM_DEQUANTIZE = 9, /* noise added to integer data */
    FLO_RANDOM_START = 10      /* the rows that layers start from */
} flo_purpose;

/* The name of a stream of numbers. `a` and `b` say which one: epoch or step, layer,
 * row. */
typedef struct flo_random_key {
    uint64_t seed;
    flo_purpose purpose;
    uint64_t a; /* e.g. step or epoch */
    uint32_t b; /* e.g. layer or lane */
} flo_random_key;

/* Streams of one seed never overlap (random.c says how a key becomes a counter), and
   bits, uniform, normal and permutation each read numbers of their own: they may be
   drawn under one key. Work in calls of many numbers: a call costs one block more. */

/* Number `index` of a stream: 64 random bits by Philox4x32-10 (Salmon et al. 2011).
   Pure. Thread-safe. Local. */
uint64_t flo_random_bits(flo_random_key key, uint64_t index);

/* Numbers index .. index + count - 1 of a stream, uniform in the open interval (0, 1).
   A draw depends on its index only, not on where a call starts. Local. */
void flo_random_uniform(flo_random_key key, uint64_t index, int64_t count, flo_real *u);

/* The same, standard normal (Box-Muller on our own log, sin and cos: the same bits in
   every position of a call and on every machine with the same instruction set). Local.
 */
void flo_random_normal(flo_random_key key, uint64_t index, int64_t count, flo_real *z);

/* A uniform permutation of 0 .. count-1 (Fisher-Yates), count < 2^31, order [count].
   Local. */
void flo_random_permutation(flo_random_key key, int64_t count, int32_t *order);

#endif
