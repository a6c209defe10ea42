/* When and how a run is saved. Rank 0 writes, in the background; the others go on. */
#ifndef FLO_TRAIN_SAVE_H
#define FLO_TRAIN_SAVE_H

#include "train/trainer.h"

/* The run as a checkpoint sees it. Borrowed. */
flo_snapshot flo_save_view(flo_trainer *trainer);

/* Whether the step under way is to be saved, by checkpoint.every or checkpoint.minutes:
   of the minutes ranks may think differently. Local. */
bool flo_save_is_due(const flo_trainer *trainer);

/* Begins to write checkpoints/best.h5 when this step's validation is the best, and with
   `step` checkpoints/step-%010d.h5; removes old ones. A checkpoint is put in place only
   once best.h5 holds the best that it knows of: who goes on from it would never write
   that again. What could not be written is reported and counted, the old ones stay, and
   the next save tries again, first the best. Local. */
void flo_save_if_due(flo_trainer *trainer, bool step);

/* Saves the last state (unless it is saved already) and waits until all is durable.
   Collective. FLO_ERROR_FILE: it could not be saved; agreed. */
FLO_MUST_USE flo_status flo_save_last(flo_trainer *trainer);

/* Waits for what is being written, and frees all. Local. */
void flo_saving_end(flo_trainer *trainer);

#endif
