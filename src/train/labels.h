/* Context columns that look like labels though data.categories does not name them: a
   hint for who starts a run. */
#ifndef FLO_TRAIN_LABELS_H
#define FLO_TRAIN_LABELS_H

#include "data/levels.h"
#include "train/trainer.h"

/* A count of the values of the context columns, NULL where there are none. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_labels_begin(const flo_trainer *trainer,
                                         flo_levels **levels);

/* Looks at the context of rows with a weight, as the data has it; NULL: at nothing.
   Local. */
void flo_labels_see(flo_levels *levels, int64_t contexts, const flo_batch *batch);

/* Says which columns have few values, all whole, and are taken as numbers; then lets go
   of the count. Collective. FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_labels_tell(flo_trainer *trainer, flo_levels **levels);

#endif
