/* Training: the list of verbs. */
#ifndef FLO_TRAIN_TRAIN_H
#define FLO_TRAIN_TRAIN_H

#include "train/trainer.h"

/* How a run that did not fail ended. */
typedef enum flo_outcome {
    FLO_OUTCOME_FINISHED, /* all steps, or early stopping */
    FLO_OUTCOME_STOPPED   /* a signal or --max-seconds; saved, to be resumed */
} flo_outcome;

/* Trains as the options say. Collective. Any error is agreed on by all ranks. */
FLO_MUST_USE flo_status flo_train(flo_comm *comm, flo_context *context,
                                  const flo_train_options *options,
                                  flo_outcome *outcome);

#endif
