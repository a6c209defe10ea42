/* The run directory: who may write it, and its small files. Rank 0 only.

     config.yaml     effective config       metrics.jsonl  one JSON object a line
     log.txt         what was printed       status.json    state, step, time
     checkpoints/    step-%010d.h5, best.h5 samples/       step-%010d.h5
     test.json       the figures on the test split
     heartbeats      where its ranks are, while they run (comm/watch.h)
     lock            who writes it: host, pid, Slurm job; empty when nobody does */
#ifndef FLO_RUN_DIRECTORY_H
#define FLO_RUN_DIRECTORY_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_directory flo_directory;

typedef enum flo_start { FLO_START_NEW, FLO_START_RESUME, FLO_START_FRESH } flo_start;

/* Opens and locks a run directory (run/lock.h says how). NEW: refused when it holds a
   run (any of the files above, or a folder above that is not empty), naming --resume
   and --fresh. RESUME: continues, or starts when nothing was ever written. FRESH: moves
   an existing run, the whole directory, aside to PATH.old-N. Parent folders,
   checkpoints/ and samples/ are made. Local. FLO_ERROR_USAGE (holds a run; held by
   another process, named), FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_open(flo_context *context, const char *path,
                                           flo_start start, flo_directory **directory);
void flo_directory_close(flo_directory **directory);

/* Looks without making or locking anything: whether the directory holds a run. NEW:
   refused then, as by flo_directory_open. Local. FLO_ERROR_USAGE. */
FLO_MUST_USE flo_status flo_directory_look(flo_context *context, const char *path,
                                           flo_start start, bool *holds_run);

const char *flo_directory_path(const flo_directory *directory);

/* Where FRESH moved the old run; "" if there was none. Borrowed. Local. */
const char *flo_directory_moved(const flo_directory *directory);

/* "PATH/NAME" in a buffer of the directory, valid until the next call of this function
   or of flo_checkpoints_name. NAME has less than 512 bytes. Local. */
const char *flo_directory_file(flo_directory *directory, const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 2, 3));

/* Replaces status.json atomically: {"state", "step", "time" (UTC), "message", "host",
   "pid"}; state is running, finished, stopped or failed; message may be "". Local.
   FLO_ERROR_FILE; FLO_ERROR_USAGE when another process has taken the run over (see
   flo_lock_lost): this one must stop. */
FLO_MUST_USE flo_status flo_directory_status(flo_directory *directory,
                                             const char *state, int64_t step,
                                             const char *message);

/* The same with "running" and no message, not durably: often, the next makes up for one
   that fails. A run that another process has taken over is left alone without a word:
   flo_directory_status tells. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_progress(flo_directory *directory, int64_t step);

/* From another process of the same run, when the one that holds the directory cannot:
   appends the message to log.txt and sets status.json to failed with it. Nothing is
   asked of the lock. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_fail(flo_context *context, const char *path,
                                           int64_t step, const char *message);

/* The state in status.json ("" if there is none) into state [size]. Local. */
void flo_directory_state(flo_directory *directory, char *state, size_t size);

/* Cuts metrics.jsonl behind the last whole line whose "step" is at most `step`, so that
   a resumed run appends to what its checkpoint knows. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_cut_metrics(flo_directory *directory,
                                                  int64_t step);

/* Appends one line to log.txt (a newline is added), handed to the kernel at once. After
   a failure (a full disk) no half line is left. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_log(flo_directory *directory, const char *line);

/* The same for metrics.jsonl, in which nothing may be missing: lines that could not be
   written are kept, and written with the next. Local. FLO_ERROR_FILE, FLO_ERROR_MEMORY
   (the line is lost). */
FLO_MUST_USE flo_status flo_directory_metrics(flo_directory *directory,
                                              const char *line);

/* Writes the lines of metrics that are still kept. Local. FLO_ERROR_FILE: they could
   not be written this time either. */
FLO_MUST_USE flo_status flo_directory_metrics_kept(flo_directory *directory);

#endif
