/* Membership by a hash of the row index, counted by blocks so that rows are found fast.
 */
#include "data/membership.h"

#include "core/random.h"

enum { BLOCK = 1024 };

/* One Philox number seeds a block of rows; the rows in it count on by SplitMix64
   (Steele et al. 2014), which takes a nanosecond a row. */
static uint64_t block_seed(const flo_membership *membership, int64_t block)
{
    const flo_random_key key = {membership->seed, FLO_RANDOM_SPLIT, 0, 0};
    return flo_random_bits(key, (uint64_t)block);
}

static bool belongs(const flo_membership *membership, uint64_t seed, int64_t row)
{
    uint64_t z = seed + (uint64_t)(row % BLOCK + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    const double u = (double)((z ^ z >> 31) >> 11) * 0x1p-53;
    return u >= membership->low && u < membership->high;
}

static int64_t block_end(const flo_membership *membership, int64_t block)
{
    const int64_t end = (block + 1) * BLOCK;
    return end < membership->stored ? end : membership->stored;
}

flo_status flo_membership_make(flo_arena *arena, uint64_t seed, double low, double high,
                               int64_t stored, flo_membership *membership)
{
    *membership =
        (flo_membership){low <= 0 && high >= 1, seed, low, high, stored, stored, NULL};
    if (membership->all)
        return FLO_OK;
    const int64_t blocks = (stored + BLOCK - 1) / BLOCK;
    FLO_TRY(flo_arena_take(arena, blocks + 1, sizeof *membership->before,
                           &membership->before));
    membership->count = 0;
    for (int64_t b = 0; b < blocks; ++b) {
        const uint64_t seed_of_block = block_seed(membership, b);
        membership->before[b] = membership->count;
        for (int64_t row = b * BLOCK; row < block_end(membership, b); ++row)
            membership->count += belongs(membership, seed_of_block, row);
    }
    membership->before[blocks] = membership->count;
    return FLO_OK;
}

/* The last block before which no more than `row` rows belong. */
static int64_t find_block(const flo_membership *membership, int64_t row)
{
    int64_t low = 0, high = (membership->stored + BLOCK - 1) / BLOCK;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (membership->before[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void flo_membership_locate(const flo_membership *membership, int64_t first,
                           int64_t count, int64_t *stored)
{
    if (membership->all) {
        for (int64_t i = 0; i < count; ++i)
            stored[i] = first + i;
        return;
    }
    if (count == 0)
        return;
    int64_t block = find_block(membership, first);
    for (int64_t ordinal = membership->before[block]; ordinal < first + count;
         ++block) {
        const uint64_t seed = block_seed(membership, block);
        const int64_t end = block_end(membership, block);
        for (int64_t row = block * BLOCK; row < end && ordinal < first + count; ++row) {
            if (!belongs(membership, seed, row))
                continue;
            if (ordinal >= first)
                stored[ordinal - first] = row;
            ++ordinal;
        }
    }
}

int64_t flo_membership_before(const flo_membership *membership, int64_t stored)
{
    if (membership->all)
        return stored;
    const int64_t block = stored / BLOCK;
    int64_t count = membership->before[block];
    const uint64_t seed = block_seed(membership, block);
    for (int64_t row = block * BLOCK; row < stored; ++row)
        count += belongs(membership, seed, row);
    return count;
}
