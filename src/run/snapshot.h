/* What a checkpoint holds: the model, the optimizer's state and the progress of the
   run; enough to go on with the same bits.

   Beside what a model file holds (flow/model_file.h): optimizer/first and
   optimizer/second [P], and as attributes of the group `run` the numbers of
   flo_progress, the data's fingerprint, ranks and BLAS core. */
#ifndef FLO_RUN_SNAPSHOT_H
#define FLO_RUN_SNAPSHOT_H

#include "flow/flow.h"
#include "hdf5/image.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

/* Everything that changes from step to step besides vectors. */
typedef struct flo_progress {
    int64_t step; /* optimizer steps done */
    double best;  /* best validation log-likelihood, -infinity before any */
    int64_t best_step;
    int64_t waited; /* validations since the best */
    flo_plateau plateau;
    int64_t bad_steps; /* skipped in a row */
    int64_t bad_total;
    double window_value, window_weight; /* training sums since the last report */
} flo_progress;

/* A run as a checkpoint sees it. All borrowed. */
typedef struct flo_snapshot {
    flo_flow *flow;
    const char *config; /* effective, as text */
    flo_real *theta;
    flo_optimizer *optimizer;
    flo_progress *progress;
    int64_t rows;         /* N of the training split; 0 without data */
    uint64_t fingerprint; /* of the training split; 0 without data */
    uint64_t blocks;      /* flo_lane_plan_blocks: the same rows in the same order */
    int64_t ranks;
    const char *blas_core;
} flo_snapshot;

/* The sealed bytes of a checkpoint (hdf5/sealed_file.h): *size without the seal, which
   lies behind them. Owned by the caller (flo_free). Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_snapshot_write(flo_context *context,
                                           const flo_snapshot *snapshot, void **bytes,
                                           size_t *size);

/* Restores constants, parameters, optimizer and progress from a checkpoint's image.
   Other data than the run was started with is refused. Moments and average that ranks
   share are read by one of them. *core (flo_free) is the BLAS core that wrote it.
   Local. FLO_ERROR_FILE, FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_snapshot_read(flo_context *context, flo_image *image,
                                          const char *file,
                                          const flo_snapshot *snapshot, char **core);

#endif
