/* Which rows a lane takes at which step: integers only, no I/O, no MPI.

   Rows 0 .. N-1 lie in blocks of block_rows. The blocks are permuted once
   (FLO_RANDOM_BLOCKS, seed) and their rows, in that order, cut into V lanes: lane l
   gets positions [floor(l N / V), floor((l + 1) N / V)). A lane walks its own epochs
   end to end: its k-th row ever is row k mod n of epoch k / n, n its number of rows. In
   an epoch a lane longer than window_rows permutes its pieces of blocks, then its rows
   within windows of window_rows; a lane no longer than the window is permuted whole.
   All by (seed, epoch, lane) alone. At step s (from 0) lane l takes floor((l + 1) B /
   V) - floor(l B / V) rows. */
#ifndef FLO_DATA_LANES_H
#define FLO_DATA_LANES_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_lane_plan {
    int64_t rows;  /* N */
    int64_t lanes; /* V */
    int64_t batch; /* B, global */
    int64_t block_rows;
    int64_t window_rows;
    uint64_t seed;
} flo_lane_plan;

/* Makes a plan. block_rows follows from N, V, row_bytes (as flo_real in float) and
   chunk_rows (0: contiguous): about 1 MiB, whole chunks, at least 8 blocks a lane where
   there are rows enough. window_rows FLO_AUTO: the whole lane where V windows fit in
   memory_bytes, else as many rows as fit. Local. FLO_ERROR_DATA (fewer rows than one
   batch or than lanes), FLO_ERROR_CONFIG (batch < lanes). */
FLO_MUST_USE flo_status flo_lane_plan_make(flo_context *context, int64_t rows,
                                           int64_t lanes, int64_t batch,
                                           int64_t row_bytes, int64_t chunk_rows,
                                           int64_t memory_bytes, int64_t window_rows,
                                           uint64_t seed, flo_lane_plan *plan);

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

/* The pieces of the present window, in the order in which they lie in its buffer:
   borrowed, valid until the next seek. */
const flo_piece *flo_lane_order_pieces(const flo_lane_order *order, int64_t *count);

/* Where the k-th row ever lies in the buffer of the present window (which must hold
   it), and which row of the data it is. */
int64_t flo_lane_order_slot(const flo_lane_order *order, int64_t k);
int64_t flo_lane_order_row(const flo_lane_order *order, int64_t k);

#endif
