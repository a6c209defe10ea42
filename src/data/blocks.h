/* Where blocks of rows begin: about 1 MiB, whole chunks of every shard. */
#ifndef FLO_DATA_BLOCKS_H
#define FLO_DATA_BLOCKS_H

#include "data/lanes.h"
#include "data/membership.h"
#include "data/rows.h"

/* A run of stored rows in one file. */
typedef struct flo_chunking {
    int64_t rows;
    int64_t chunk_rows; /* 0: contiguous */
} flo_chunking;

/* Cuts the rows that belong into blocks and sets block_first, blocks and block_rows
   (the most stored rows of a block) of a plan whose lanes are set. A block is about 1
   MiB of rows of row_bytes, but there are at least 8 a lane where there are rows
   enough. Of a chunked shard it is whole chunks, counted from the shard's begin, so
   that a chunk is decoded for one block alone; only where there are fewer than 2 chunks
   a lane are they cut. In the arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_blocks_make(flo_arena *arena,
                                        const flo_membership *membership,
                                        int64_t shards, const flo_chunking *shard,
                                        int64_t row_bytes, flo_lane_plan *plan);

/* The same of the rows of a split; also sets the plan's rows. */
FLO_MUST_USE flo_status flo_blocks_of_rows(flo_arena *arena, const flo_rows *rows,
                                           flo_lane_plan *plan);

#endif
