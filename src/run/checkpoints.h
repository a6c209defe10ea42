/* The checkpoint files of a run: names, newest first, keep-N, fallback. Rank 0 only.
   The listing of PATH/checkpoints is the index. What a checkpoint holds is
   run/snapshot.h. */
#ifndef FLO_RUN_CHECKPOINTS_H
#define FLO_RUN_CHECKPOINTS_H

#include "run/directory.h"

/* Finds the newest checkpoint that verifies: *path (flo_free), its step, its image
   bytes (flo_free) and size. Each damaged one is skipped and its reason passed to
   `skipped(path, reason, argument)` (may be NULL). *path is NULL when there never was
   one. Local. FLO_ERROR_FILE when there are some and none verifies: never silently
   start over. FLO_ERROR_MEMORY: nothing is skipped for that. */
FLO_MUST_USE flo_status flo_checkpoints_newest(
    flo_directory *directory,
    void (*skipped)(const char *path, const char *reason, void *argument),
    void *argument, char **path, int64_t *step, void **bytes, size_t *size);

/* "PATH/checkpoints/step-%010d.h5"; in a buffer of the directory, like
   flo_directory_file. */
const char *flo_checkpoints_name(flo_directory *directory, int64_t step);

/* To be called once the checkpoint of step `newest` is durable. Removes the step files
   before it but for the newest `keep` of them and it (keep >= 1); never best.h5, nor
   those of later steps (found damaged, to be overwritten when training gets there).
   Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_checkpoints_prune(flo_directory *directory, int64_t keep,
                                              int64_t newest);

/* The file that MODEL names: a checkpoint file as it is; of a run directory
   checkpoints/best.h5, else its newest step; a folder of checkpoints may be named
   itself. *path is owned by the caller (flo_free). Local. FLO_ERROR_FILE naming what
   was looked for. */
FLO_MUST_USE flo_status flo_checkpoints_model(flo_context *context, const char *model,
                                              char **path);

#endif
