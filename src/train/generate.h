/* Samples over all ranks into a file that rank 0 writes. */
#ifndef FLO_TRAIN_GENERATE_H
#define FLO_TRAIN_GENERATE_H

#include "comm/comm.h"
#include "data/rows.h"
#include "flow/tiles.h"

typedef struct flo_generation {
    uint64_t seed;
    int64_t count;
    double temperature;
    flo_rows *conditions; /* row i modulo their number conditions sample i: by its
                             context columns, or its features where it has none; NULL
                             where C is 0 */
    const char *path;
    bool force;
    const char *source; /* what made the file */
} flo_generation;

/* Draws samples 0 .. count - 1 into data set `samples` [count, D] of a new file, with
   the names, stored types and units of their columns as attributes where the model
   knows them, and [count, H, ..] where the rows that it was trained on were so: the
   same bits on any number of ranks, and a prefix of what a larger count gives; in
   double where columns of the flow are shifted (flow/shift.h). Conditions are read as
   its flow takes them (train/origins.h).
   Collective. FLO_ERROR_USAGE (it exists), FLO_ERROR_FILE, FLO_ERROR_DATA; agreed. */
FLO_MUST_USE flo_status flo_generate(flo_comm *comm, flo_context *context,
                                     const flo_flow *flow, flo_tiles *tiles,
                                     const flo_real *theta,
                                     const flo_generation *generation);

#endif
