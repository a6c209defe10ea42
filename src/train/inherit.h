/* A run that starts from another run's model: its parameters, and its constants, which
   are fitted to the new data or kept. */
#ifndef FLO_TRAIN_INHERIT_H
#define FLO_TRAIN_INHERIT_H

#include "flow/front.h"
#include "train/trainer.h"

/* Takes the parameters of options->init (the average where there is one), which must
   have the same layers and, where it knows names, the same order of columns, and its
   constants: those that are fitted to data until
   flo_preprocessing_fit fits them anew, or for good with options->keep_preprocess.
   Says which. Collective. FLO_ERROR_FILE, FLO_ERROR_CONFIG (another order),
   FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_inherit(flo_trainer *trainer);

/* Says how far the columns that layers wait for have moved from where the model's
   constants have them: moments [D + C], as flo_flow_fit is about to take them. Does
   nothing where the run has no such model. Local. */
void flo_inherit_compare(flo_trainer *trainer, flo_front *front,
                         const flo_moments *moments);

#endif
