/* Where layers that start from data begin: moments of what each is fed, over rows of
   the training set. */
#ifndef FLO_TRAIN_DATA_START_H
#define FLO_TRAIN_DATA_START_H

#include "comm/comm.h"
#include "data/rows.h"
#include "flow/flow.h"

/* What the start found. */
typedef struct flo_data_start_report {
    int64_t layers;             /* that start from data */
    int64_t rows;               /* with a weight above 0; where 0, nothing was moved */
    int64_t constant_columns;   /* that do not vary over the rows, of all layers */
    const char *constant_layer; /* the first with such a column; NULL: none */
} flo_data_start_report;

/* Moves theta [P], as flo_flow_init made it, where the layers whose kind starts from
   data want it: layer after layer, each from the weighted moments of what those before
   it give. The start rows are at most 4,096 of `rows`, one drawn by the seed in each of
   as many equal parts, so that sorted data does not mislead; of data in large chunks,
   runs of adjoining rows in fewer parts, so that about 256 MB are decoded. Where rows
   is NULL they are samples of the base, for a flow that maps noise to data. theta is
   the same on all ranks, and its new bits are the same on any number of ranks and
   threads. Collective. FLO_ERROR_FILE, FLO_ERROR_DATA (a bad row), FLO_ERROR_NUMERIC (a
   layer before gives values that are not finite), FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_data_start(flo_comm *comm, flo_context *context,
                                       const flo_flow *flow, flo_rows *rows,
                                       int threads, flo_real *theta,
                                       flo_data_start_report *report);

#endif
