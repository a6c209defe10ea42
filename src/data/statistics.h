/* Weighted moments of the columns of a split over all ranks, or of what a map makes of
   them; the same bits on any number of ranks. */
#ifndef FLO_DATA_STATISTICS_H
#define FLO_DATA_STATISTICS_H

#include "comm/comm.h"
#include "data/lanes.h"
#include "data/rows.h"

/* Columns are the D features and then the C context columns. */
typedef struct flo_statistics {
    int64_t columns;
    int64_t rows;       /* with weight > 0 */
    int64_t bad_rows;   /* dropped by data.on_bad_rows */
    double weight;      /* total */
    double *mean;       /* [columns] */
    double *deviation;  /* [columns], standard deviation (weighted, population) */
    double *low, *high; /* [columns] */
} flo_statistics;

/* What rows pass before they are summed: changes rows first .. of the split, in batch,
   in place; a row must become the same whatever rows stand beside it. FLO_ERROR_DATA:
   a row of weight above 0 that it does not take. */
typedef struct flo_row_map {
    flo_status (*apply)(void *data, int64_t first, flo_batch *batch);
    void *data;
} flo_row_map;

/* Reads all rows of the split once, each lane by the rank that owns it, sums in double
   per lane around a shift that is the same on all ranks, and combines lanes in the
   order of the lane tree. map may be NULL. Arrays are owned by the caller through
   flo_statistics_free. Collective. FLO_ERROR_FILE, FLO_ERROR_DATA (a bad row, one that
   the map refuses, all weights zero), agreed on by all ranks: the message is the same
   on any number of them. */
FLO_MUST_USE flo_status flo_statistics_collect(flo_comm *comm, flo_context *context,
                                               flo_rows *rows,
                                               const flo_lane_plan *plan,
                                               const flo_row_map *map,
                                               flo_statistics *statistics);
void flo_statistics_free(flo_context *context, flo_statistics *statistics);

#endif
