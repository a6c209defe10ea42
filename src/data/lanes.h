/* Which rows a lane takes at which step: integers only, no I/O, no MPI.

   Rows 0 .. N-1 lie in blocks (blocks.h). The blocks are permuted once
   (FLO_RANDOM_BLOCKS, seed) and their rows, in that order, cut into V lanes: lane l
   gets positions [floor(l N / V), floor((l + 1) N / V)). A lane walks its own epochs
   end to end: its k-th row ever is row k mod n of epoch k / n, n its number of rows. In
   an epoch a lane longer than window_rows permutes its pieces of blocks and takes as
   many whole pieces into each window as fit (a block is read once; only one longer than
   a window is cut), then permutes the rows of each window; a lane no longer than the
   window is permuted whole. All by (seed, epoch, lane) alone. At step s (from 0) lane l
   takes floor((l + 1) B / V) - floor(l B / V) rows. */
#ifndef FLO_DATA_LANES_H
#define FLO_DATA_LANES_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_lane_plan {
    int64_t rows;  /* N */
    int64_t lanes; /* V */
    int64_t batch; /* B, global */
    int64_t block_rows;
    int64_t window_rows; /* at most, in a window */
    uint64_t seed;
    const int64_t *block_first; /* [blocks + 1], borrowed: where blocks begin, and N;
                                   NULL: every block_rows rows */
    int64_t blocks;
} flo_lane_plan;

/* What keeping rows costs, for choosing a window. */
typedef struct flo_lane_memory {
    int64_t bytes;        /* to keep rows in, of one rank */
    int64_t row_bytes;    /* of a row in memory */
    int64_t reader_bytes; /* that reading takes besides */
} flo_lane_memory;

/* Completes a plan in which rows, lanes, batch, blocks, seed and window_rows are set:
   window_rows FLO_AUTO becomes the whole lane where all rows fit in memory, else as
   many rows as fit twice a lane when one rank has all lanes (so that it does not depend
   on the number of ranks), but those of a step at least. Local. FLO_ERROR_DATA (fewer
   rows than one batch or than lanes), FLO_ERROR_CONFIG (batch < lanes). */
FLO_MUST_USE flo_status flo_lane_plan_make(flo_context *context,
                                           const flo_lane_memory *memory,
                                           flo_lane_plan *plan);

/* A hash of where the blocks lie: with seed, lanes and window_rows it decides the order
   of rows. Pure. Local. */
uint64_t flo_lane_plan_blocks(const flo_lane_plan *plan);

int64_t flo_lane_rows(const flo_lane_plan *plan, int64_t lane);       /* n */
int64_t flo_lane_batch_rows(const flo_lane_plan *plan, int64_t lane); /* b */
int64_t flo_lane_batch_first(const flo_lane_plan *plan,
                             int64_t lane); /* in the batch */

/* A run of adjoining rows of the data. */
typedef struct flo_piece {
    int64_t first, count;
} flo_piece;

/* The rows of a lane: pieces [*count] in ascending order, adjoining ones joined. Owned
   by the caller (flo_free). Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_lane_pieces(flo_context *context, const flo_lane_plan *plan,
                                        int64_t lane, flo_piece **pieces,
                                        int64_t *count);

/* One window of one lane: what it reads and in which order it gives its rows. */
typedef struct flo_lane_order flo_lane_order;

FLO_MUST_USE flo_status flo_lane_order_create(flo_context *context,
                                              const flo_lane_plan *plan, int64_t lane,
                                              flo_lane_order **order);
void flo_lane_order_destroy(flo_lane_order **order);

/* Goes to the window that holds the k-th row ever of the lane. *changed says whether
   the rows of the window are others than before (a whole-lane window never changes its
   rows, only their order). Local. No failure: memory was taken by create. */
void flo_lane_order_seek(flo_lane_order *order, int64_t k, bool *changed);

/* The k-th rows of the present window: first .. *end - 1. -1 and 0 before any seek. */
int64_t flo_lane_order_first(const flo_lane_order *order, int64_t *end);

/* Whether every window of the lane is the whole lane, laid out alike. */
bool flo_lane_order_is_whole(const flo_lane_order *order);

/* The pieces of the present window, in the order in which they lie in its buffer:
   borrowed, valid until the next seek. */
const flo_piece *flo_lane_order_pieces(const flo_lane_order *order, int64_t *count);

/* Where the k-th row ever lies in the buffer of the present window (which must hold
   it), and which row of the data it is. */
int64_t flo_lane_order_slot(const flo_lane_order *order, int64_t k);
int64_t flo_lane_order_row(const flo_lane_order *order, int64_t k);

#endif
