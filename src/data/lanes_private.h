/* Inside src/data: the pieces of blocks that a lane is made of. */
#ifndef FLO_DATA_LANES_PRIVATE_H
#define FLO_DATA_LANES_PRIVATE_H

#include "data/lanes.h"

/* The lane's pieces of blocks [*count], one a block, in the permuted order of blocks.
   Owned by the caller. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_lane_cut(flo_context *context, const flo_lane_plan *plan,
                                     int64_t lane, flo_piece **pieces, int64_t *count);

/* Sorts pieces by row and joins those that adjoin. Returns their new count. Pure. */
int64_t flo_pieces_join(flo_piece *pieces, int64_t count);

/* The last of start [count] (ascending) that is <= position, which start[0] is. Pure.
 */
int64_t flo_pieces_find(const int64_t *start, int64_t count, int64_t position);

#endif
