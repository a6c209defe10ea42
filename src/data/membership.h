/* Inside src/data: which stored rows belong to a split, by row index and seed. */
#ifndef FLO_DATA_MEMBERSHIP_H
#define FLO_DATA_MEMBERSHIP_H

#include "core/arena.h"

#include <stdbool.h>

/* The rows whose uniform number lies in [low, high). */
typedef struct flo_membership {
    bool all; /* every stored row: row and stored row are the same */
    uint64_t seed;
    double low, high;
    int64_t stored; /* rows of the data set */
    int64_t count;  /* that belong */
    int64_t
        *before; /* [blocks + 1]: rows that belong before each block of stored rows */
} flo_membership;

/* Counts the rows that belong. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_membership_make(flo_arena *arena, uint64_t seed, double low,
                                            double high, int64_t stored,
                                            flo_membership *membership);

/* The stored rows [count] of rows first .. first + count - 1 of the split. Pure.
   Local. */
void flo_membership_locate(const flo_membership *membership, int64_t first,
                           int64_t count, int64_t *stored);

/* How many rows before stored row `stored` belong, which may be the number of stored
   rows. Pure. Local. */
int64_t flo_membership_before(const flo_membership *membership, int64_t stored);

#endif
