/* When and how a run is saved. Rank 0 writes, in the background; the others go on. */
#ifndef FLO_TRAIN_SAVE_H
#define FLO_TRAIN_SAVE_H

#include "train/trainer.h"

/* The run as a checkpoint sees it. Borrowed. */
flo_snapshot flo_save_view(flo_trainer *trainer);

/* Begins to write checkpoints/step-%010d.h5 and removes old ones. A checkpoint that
   could not be written is reported and counted, the old ones stay, and the next
   interval tries again. Local. */
void flo_save_step(flo_trainer *trainer);

/* Begins to write checkpoints/best.h5. Local. */
void flo_save_best(flo_trainer *trainer);

/* Whether the step under way is to be saved, by checkpoint.every or checkpoint.minutes:
   of the minutes ranks may think differently. Local. */
bool flo_save_is_due(const flo_trainer *trainer);

/* Saves the last state (unless it is saved already) and waits until all is durable.
   Collective. FLO_ERROR_FILE: the last state could not be saved, or an earlier
   checkpoint had failed; agreed. */
FLO_MUST_USE flo_status flo_save_last(flo_trainer *trainer);

#endif
