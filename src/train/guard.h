/* The watchdog of a training run: started with its config, told where its board lies,
   and what it leaves in the run directory when it ends the job. */
#ifndef FLO_TRAIN_GUARD_H
#define FLO_TRAIN_GUARD_H

#include "train/trainer.h"

/* Starts the watchdog of comm.timeout_seconds. Collective. FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_guard_start(flo_trainer *trainer);

/* Once rank 0 has the run directory open: the board in it. Collective. */
void flo_guard_share(flo_trainer *trainer);

#endif
