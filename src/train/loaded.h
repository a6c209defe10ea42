/* A model loaded on all ranks, and the rows to use it on: what every verb with a MODEL
   does first. */
#ifndef FLO_TRAIN_LOADED_H
#define FLO_TRAIN_LOADED_H

#include "comm/comm.h"
#include "data/rows.h"
#include "flow/tiles.h"

/* The verified bytes of the checkpoint that MODEL names, on all ranks. */
typedef struct flo_model_bytes {
    char *path;  /* flo_free */
    void *bytes; /* [size], flo_free */
    size_t size;
} flo_model_bytes;

/* Rank 0 resolves MODEL (a run directory or a file), reads and verifies; all get the
   bytes. Collective. FLO_ERROR_FILE, FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_model_bytes_read(flo_comm *comm, flo_context *context,
                                             const char *model, flo_model_bytes *bytes);
void flo_model_bytes_free(flo_context *context, flo_model_bytes *bytes);

/* A model ready to score and sample. In the arena. */
typedef struct flo_loaded {
    const char *path;
    flo_flow *flow;
    flo_real *theta; /* the average where there is one */
    flo_tiles *tiles;
    flo_node *config; /* of the run */
} flo_loaded;

/* Loads MODEL, to score by its run's report.draws, and starts the watchdog. Collective.
 * FLO_ERROR_FILE, FLO_ERROR_CONFIG, FLO_ERROR_MEMORY; agreed.
 */
FLO_MUST_USE flo_status flo_loaded_read(flo_comm *comm, flo_arena *arena,
                                        const char *model, flo_loaded *loaded);

/* Opens FILE[:dataset], or the run's test set where `data` is NULL, with the columns,
   context and weights of the model's schema (flo_rows_open_like). Collective.
   FLO_ERROR_DATA (no test set, other columns), FLO_ERROR_FILE; agreed. */
FLO_MUST_USE flo_status flo_loaded_rows(flo_comm *comm, flo_arena *arena,
                                        const flo_loaded *loaded, const char *data,
                                        flo_rows **rows);

/* Opens FILE[:dataset] as the context of samples: its features are the model's context
   columns. Local. FLO_ERROR_DATA, FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_loaded_conditions(flo_context *context, flo_arena *arena,
                                              const flo_loaded *loaded,
                                              const char *spec, flo_rows **rows);

#endif
