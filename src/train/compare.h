/* What must be the same on all ranks: the program and its processor, and at all times
   the state of the run. */
#ifndef FLO_TRAIN_COMPARE_H
#define FLO_TRAIN_COMPARE_H

#include "train/trainer.h"

/* The same build and the same BLAS core everywhere. Collective. FLO_ERROR_USAGE;
 * agreed.
 */
FLO_MUST_USE flo_status flo_compare_hosts(flo_trainer *trainer);

/* The same bits of parameters, moments and average, or something is broken: a host
   computes or remembers wrong, the network changed a message. Comes before every save,
   so that no checkpoint holds what ranks do not agree on. Collective.
   FLO_ERROR_INTERNAL, naming the step and the ranks; the same on all. */
FLO_MUST_USE flo_status flo_compare_ranks(flo_trainer *trainer);

#endif
