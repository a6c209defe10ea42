/* The first layers of a flow and the data: constants fitted layer by layer, and every
   row of every split checked against what the layers take. */
#ifndef FLO_TRAIN_PREPROCESSING_H
#define FLO_TRAIN_PREPROCESSING_H

#include "train/trainer.h"

/* Fits the layers that are not ready, but for those whose constants are given, which
   are compared with the data (train/inherit.h): each that waits to the moments of what
   those before it make of the training rows, by one pass over the rows a layer (one for
   a layer of the features and one of the context together). Passes the rows once more
   where layers behind the last fitted one do not take all numbers, or where rows that
   are dropped or weigh nothing were not counted; sets trainer->bad_rows. The constants
   are the same bits on any number of ranks. Collective. FLO_ERROR_FILE, FLO_ERROR_DATA
   (a bad row, a constant column, a number that a layer does not take),
   FLO_ERROR_MEMORY; agreed, and the same on any number of ranks. */
FLO_MUST_USE flo_status flo_preprocessing_fit(flo_trainer *trainer);

/* Reads every row of a split that the run has through the first layers: a bad one of
   validation or test ends a run now, not after hours of training. Collective. Errors as
   above. */
FLO_MUST_USE flo_status flo_preprocessing_check(flo_trainer *trainer, flo_split split);

#endif
