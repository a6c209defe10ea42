/* The files at the ends of a run: config and status at its start; at its end the last
   checkpoint, the test figures, the samples, and the status again. */
#ifndef FLO_TRAIN_FINISH_H
#define FLO_TRAIN_FINISH_H

#include "train/trainer.h"

/* Writes config.yaml and the status `running`. Collective. FLO_ERROR_FILE; agreed. */
FLO_MUST_USE flo_status flo_finish_begin(flo_trainer *trainer);

/* samples/step-%010d.h5 when report.sample_every says so. Samples that could not be
   written are reported and counted. Collective. FLO_ERROR_DATA, FLO_ERROR_MEMORY;
   agreed. */
FLO_MUST_USE flo_status flo_finish_samples_if_due(flo_trainer *trainer);

/* The end of training: last checkpoint, best parameters, test.json, samples, status
   `finished`. Collective. FLO_ERROR_FILE, also when all is written but something on the
   way was not; FLO_ERROR_DATA; agreed. */
FLO_MUST_USE flo_status flo_finish(flo_trainer *trainer);

/* A stop on the way: last checkpoint, status `stopped`. Collective. FLO_ERROR_FILE;
   agreed. */
FLO_MUST_USE flo_status flo_finish_stopped(flo_trainer *trainer);

/* Status `failed` with the message, if the run had begun: what could not start or go on
   leaves a run as it was. Local. */
void flo_finish_failed(flo_trainer *trainer);

#endif
