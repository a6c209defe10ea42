/* Origins and factors of the columns (flow/shift.h): chosen by training rows, and put
   to use wherever rows are read for a flow. */
#ifndef FLO_TRAIN_ORIGINS_H
#define FLO_TRAIN_ORIGINS_H

#include "train/trainer.h"

/* For a flow that is not fitted yet looks at 512 training rows in double. A column of
   which flo_real would lose digits beside its spread, or which lies outside its range,
   gets an origin or a factor, if the first layer that acts on it takes them; the run
   says which, and notes by name those that cannot be helped. Then, as for a flow that
   was read from a file, has all splits and the feed shifted so. Before anything but the
   fingerprint is read of the rows. The same on all ranks. Collective. FLO_ERROR_FILE,
   FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_origins_take(flo_trainer *trainer);

/* Has rows of a model's D features and C context columns read as its flow takes them.
   Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_origins_apply(const flo_flow *flow, flo_rows *rows);

/* The same of rows whose features are its context columns. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_origins_apply_as_context(const flo_flow *flow,
                                                     flo_rows *rows);

#endif
