/* The run directory: who may write it, and its small files. Rank 0 only.

     config.yaml     effective config       metrics.jsonl  one JSON object a line
     log.txt         what was printed       status.json    state, step, time
     checkpoints/    step-%010d.h5, best.h5 samples/       step-%010d.h5
     test.json       the figures on the test split */
#ifndef FLO_RUN_DIRECTORY_H
#define FLO_RUN_DIRECTORY_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_directory flo_directory;

typedef enum flo_start { FLO_START_NEW, FLO_START_RESUME, FLO_START_FRESH } flo_start;

/* Opens and locks a run directory. NEW: refused when it holds a run (any of the files
   above), naming --resume and --fresh. RESUME: continues, or starts when nothing was
   ever written. FRESH: moves an existing run aside to PATH.old-N. The lock is flock on
   PATH/lock, which holds host, pid, Slurm job; a second holder is refused with those
   named; a dead holder's or the same Slurm job's never blocks. Where flock does not
   work (ENOLCK, ENOTSUP) a heartbeat time in the file decides. Parent folders are made.
   Local. FLO_ERROR_USAGE, FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_open(flo_context *context, const char *path,
                                           flo_start start, flo_directory **directory);
void flo_directory_close(flo_directory **directory);

const char *flo_directory_path(const flo_directory *directory);

/* "PATH/NAME" in a buffer of the directory, valid until the next call. */
const char *flo_directory_file(flo_directory *directory, const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 2, 3));

/* Replaces status.json atomically: state is running, finished, stopped or failed;
   message may be "". Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_status(flo_directory *directory,
                                             const char *state, int64_t step,
                                             const char *message);

/* The state in status.json ("" if there is none) into state [size]. Local. */
void flo_directory_state(flo_directory *directory, char *state, size_t size);

/* Cuts metrics.jsonl behind the last whole line whose "step" is at most `step`, so that
   a resumed run appends to what its checkpoint knows. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_cut_metrics(flo_directory *directory,
                                                  int64_t step);

/* Appends one line to metrics.jsonl or log.txt (a newline is added), flushed. Local. */
FLO_MUST_USE flo_status flo_directory_metrics(flo_directory *directory,
                                              const char *line);
FLO_MUST_USE flo_status flo_directory_log(flo_directory *directory, const char *line);

#endif
