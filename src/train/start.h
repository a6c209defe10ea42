/* How a run begins: its directory, and new, from a model, or where it left off. */
#ifndef FLO_TRAIN_START_H
#define FLO_TRAIN_START_H

#include "hdf5/image.h"
#include "train/trainer.h"

/* Looks at the run directory before anything is built: refuses a new run where there is
   one, turns --resume of nothing into a new run; makes nothing. Collective.
   FLO_ERROR_USAGE; agreed. */
FLO_MUST_USE flo_status flo_start_look(flo_trainer *trainer);

/* Opens and locks the run directory on rank 0; for --resume, finds the newest
   checkpoint that verifies and gives its bytes to all hosts (trainer->checkpoint, NULL
   when nothing was ever written). Collective. FLO_ERROR_USAGE, FLO_ERROR_FILE; agreed.
 */
FLO_MUST_USE flo_status flo_start_open(flo_trainer *trainer);

/* Opens that checkpoint. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_start_image(flo_trainer *trainer, flo_image **image);

/* Begins at step 0: constants fitted to the data, parameters drawn or those of --init.
   Collective. FLO_ERROR_DATA, FLO_ERROR_FILE; agreed. */
FLO_MUST_USE flo_status flo_start_new(flo_trainer *trainer);

/* Goes on where that checkpoint left off, and lets go of it. Collective.
   FLO_ERROR_FILE, FLO_ERROR_DATA; agreed. */
FLO_MUST_USE flo_status flo_start_resume(flo_trainer *trainer);

#endif
