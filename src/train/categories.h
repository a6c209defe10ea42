/* The values of a run's categories: of the run that it goes on with, of the model that
   it starts from, or found in its training rows. */
#ifndef FLO_TRAIN_CATEGORIES_H
#define FLO_TRAIN_CATEGORIES_H

#include "train/trainer.h"

/* Completes the config with `context_categories`, where data.categories names columns
   and it is not written: by `stored`, the config of the checkpoint that the run goes on
   from (NULL: it starts), by the model of --init, else by one pass over the training
   rows with a weight. The rows are open, the flow is not built. Collective.
   FLO_ERROR_CONFIG (no context column, none at all), FLO_ERROR_DATA (not whole, more
   than FLO_CATEGORIES_MOST values, larger than flo_real counts), FLO_ERROR_FILE,
   FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_categories_settle(flo_trainer *trainer,
                                              const flo_node *stored);

/* Rows with a category that the model does not know. */
typedef struct flo_unknown {
    int64_t rows;    /* how many have one */
    char first[400]; /* where the first is, found and wanted; "": none */
} flo_unknown;

/* Reads the first `count` rows, where the flow has categories, and finds those. Where
   they are conditions of samples to be drawn, their features are the context.
   Collective. FLO_ERROR_FILE, FLO_ERROR_DATA, FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_categories_look(flo_comm *comm, flo_context *context,
                                            const flo_flow *flow, flo_rows *rows,
                                            int64_t count, bool are_conditions,
                                            flo_unknown *unknown);

#endif
