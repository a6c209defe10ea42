/* Everything that a training run holds, made once before the first step. */
#ifndef FLO_TRAIN_TRAINER_H
#define FLO_TRAIN_TRAINER_H

#include "data/statistics.h"
#include "hdf5/sealed_file.h"
#include "run/directory.h"
#include "run/snapshot.h"
#include "train/config.h"
#include "train/evaluate.h"
#include "train/gradient.h"

/* What the command line asks for. */
typedef struct flo_train_options {
    const char *config; /* path */
    const char *const *overrides;
    int64_t override_count;
    flo_start start;
    const char *init;     /* MODEL whose parameters are the start; NULL: none */
    bool keep_preprocess; /* its fitted constants too */
    bool check;           /* print what would be done, and stop */
    bool unwritten;       /* nothing of it is kept: it has no run directory */
    bool quiet;
    double max_seconds; /* 0: no limit */
} flo_train_options;

enum { FLO_CONTROL_FLAGS = 4 };

typedef struct flo_reporter flo_reporter;

/* Checkpoints on their way to the disk. Images are sealed, and owned. */
typedef struct flo_saving {
    flo_file_writer *writer;
    bool under_way; /* the writer is to be waited for */
    void *best;     /* image that best.h5 does not hold yet; NULL: none */
    size_t best_size;
    int64_t best_step;  /* of the newest such image, durable or not; 0: none */
    void *image;        /* of the step file under way, unless `best` serves for it */
    int64_t step;       /* under way, -1: none */
    int64_t saved_step; /* newest durable, -1: none by this process */
} flo_saving;

typedef struct flo_trainer {
    const flo_train_options *options;
    flo_comm *comm;       /* borrowed */
    flo_context *context; /* borrowed */
    flo_arena *arena;
    double start_seconds; /* of the clock */
    flo_start start;      /* --resume of nothing is NEW */

    flo_config config;
    char *config_text; /* effective */
    int threads;
    const char *blas_core;

    flo_rows *rows[FLO_SPLITS]; /* NULL where the run has no such split */
    flo_schema *schema;         /* of the data; NULL without */
    bool inherits_shift;        /* the model of options->init has origins (origins.h) */
    uint64_t fingerprint;
    flo_lane_plan plan;
    flo_feed *feed;
    bool streams;       /* not all rows are kept: on all ranks alike */
    int64_t rows_bytes; /* kept by the rank with the most lanes, reading included */
    int64_t bad_rows;   /* of training, dropped; known to a run that starts */

    flo_objective *objective;
    flo_flow *flow;
    flo_real *theta; /* [P] */
    flo_gradient *gradient;
    flo_optimizer *optimizer;
    flo_shared_memory *shared; /* its vectors, where ranks of a host have one set */
    flo_tiles *tiles;

    int64_t steps;        /* to do in all */
    int64_t started_step; /* of this process */
    bool was_finished;    /* rank 0: the run had ended before this process */
    flo_progress progress;
    double *control; /* [2 V + FLO_CONTROL_FLAGS]: value and weight by lane, bad rows,
                        stop requests, ranks without their rows, whether to save */

    flo_directory *directory; /* rank 0 */
    atomic_bool begun;        /* the directory's status is this process's to write */
    flo_saving saving;        /* rank 0 */
    int64_t failures;       /* rank 0: checkpoints and samples that were not written */
    double saved_seconds;   /* of the clock, at the last save */
    flo_reporter *reporter; /* rank 0 */
    char *early_lines;      /* rank 0: told before there was a log; NULL: none */
    flo_shared_memory *checkpoint; /* to go on from, while a run starts; else NULL */
    size_t checkpoint_bytes;
    char *resumed_path; /* for messages */
} flo_trainer;

/* Builds a run up to its first step: config, data, lanes, flow, memory, run directory,
   and the start: new, from a model, or where a checkpoint left off. Collective. Any
   error is agreed; nothing was overwritten then. */
FLO_MUST_USE flo_status flo_trainer_create(flo_comm *comm, flo_context *context,
                                           const flo_train_options *options,
                                           flo_trainer *trainer);

/* Waits for checkpoints under way and frees everything. Collective. */
void flo_trainer_destroy(flo_trainer *trainer);

/* The parameters to evaluate and sample with: the average where there is one. Borrowed.
 */
const flo_real *flo_trainer_parameters(const flo_trainer *trainer);

#endif
