/* One step of training: rows read, gradient computed and summed, parameters moved. */
#ifndef FLO_TRAIN_STEP_H
#define FLO_TRAIN_STEP_H

#include "train/trainer.h"

/* What its verbs hand on. */
typedef struct flo_step {
    double value, weight; /* sums over the batch */
    double rate, norm;
    int64_t nonfinite;      /* rows of this rank */
    double meeting_seconds; /* waited to learn what all must know */
    flo_status read;        /* of this rank's rows */
    bool unread;            /* of all ranks: the step does not count */
    bool bad;               /* of all ranks: the step is skipped */
    bool save;              /* after this step */
    bool stop;
} flo_step;

/* The rows of this step. The first step's failure is agreed on at once. Later ones are
   told with the sums of the step, which then does not count: one meeting of all ranks
   less. Collective. FLO_ERROR_FILE, FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_step_read(flo_trainer *trainer, bool first, flo_step *step);

/* Forward, backward and the sum over lanes and ranks; what all must know of it.
   Collective. */
void flo_step_gradient(flo_trainer *trainer, flo_step *step);

/* Clip, optimizer, average; a step whose gradient is not finite is skipped by all.
   FLO_ERROR_NUMERIC after train.max_bad_steps of them in a row; agreed. Local but for
   that. */
FLO_MUST_USE flo_status flo_step_update(flo_trainer *trainer, flo_step *step);

#endif
