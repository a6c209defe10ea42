/* Blocks on the chunk grid of each shard, then only the rows that belong. */
#include "data/blocks.h"

#include "core/integers.h"
#include "data/rows_private.h"

enum {
    BLOCK_BYTES = 1 << 20,
    BLOCKS_A_LANE = 8, /* at least, where there are rows enough */
    CHUNKS_A_LANE = 2  /* with fewer, chunks are cut */
};
static const int64_t most_blocks = (int64_t)1 << 30; /* permuted as int32_t */

/* Stored rows of a block where a chunk has chunk_rows. */
static int64_t choose(int64_t rows, int64_t lanes, int64_t row_bytes,
                      int64_t chunk_rows)
{
    const int64_t share = flo_greater(1, rows / lanes / BLOCKS_A_LANE);
    int64_t block = flo_lesser(flo_greater(1, BLOCK_BYTES / row_bytes), share);
    if (chunk_rows > block && rows / chunk_rows / CHUNKS_A_LANE >= lanes)
        block = chunk_rows;
    else if (chunk_rows > 1 && chunk_rows <= block)
        block -= block % chunk_rows;
    return flo_greater(block, rows / most_blocks + 1);
}

flo_status flo_blocks_make(flo_arena *arena, const flo_membership *membership,
                           int64_t shards, const flo_chunking *shard, int64_t row_bytes,
                           flo_lane_plan *plan)
{
    const int64_t rows = membership->stored;
    int64_t most = 1, *first;
    for (int64_t s = 0; s < shards; ++s)
        most +=
            shard[s].rows / choose(rows, plan->lanes, row_bytes, shard[s].chunk_rows) +
            1;
    FLO_TRY(flo_arena_take(arena, most, sizeof *first, &first));
    int64_t blocks = 0, begin = 0;
    plan->block_rows = 0;
    for (int64_t s = 0; s < shards; begin += shard[s++].rows) {
        const int64_t block = choose(rows, plan->lanes, row_bytes, shard[s].chunk_rows);
        plan->block_rows =
            flo_greater(plan->block_rows, flo_lesser(block, shard[s].rows));
        for (int64_t at = 0; at < shard[s].rows; at += block) {
            const int64_t end = begin + flo_lesser(at + block, shard[s].rows);
            first[blocks + 1] = flo_membership_before(membership, end);
            blocks += first[blocks + 1] > first[blocks]; /* some are empty */
        }
    }
    plan->block_first = first;
    plan->blocks = blocks;
    return FLO_OK;
}

flo_status flo_blocks_of_rows(flo_arena *arena, const flo_rows *rows,
                              flo_lane_plan *plan)
{
    const flo_source *const source = flo_rows_source(rows);
    const int64_t shards = flo_source_describe(source)->shards;
    const int64_t columns = flo_rows_features(rows) + flo_rows_context_features(rows);
    const int64_t row_bytes = (columns + 1) * (int64_t)sizeof(float);
    plan->rows = flo_rows_count(rows);
    if (flo_source_describe(source)->chunk_rows ==
        0) { /* then files make no difference */
        const flo_chunking whole = {flo_source_describe(source)->rows, 0};
        return flo_blocks_make(arena, &rows->membership, 1, &whole, row_bytes, plan);
    }
    flo_chunking *shard;
    FLO_TRY(flo_arena_take(arena, shards, sizeof *shard, &shard));
    for (int64_t s = 0; s < shards; ++s)
        shard[s].rows = flo_source_shard_rows(source, s, &shard[s].chunk_rows);
    return flo_blocks_make(arena, &rows->membership, shards, shard, row_bytes, plan);
}
