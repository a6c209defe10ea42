/* The step files of a folder of checkpoints. Private to the checkpoints. */
#ifndef FLO_RUN_STEP_FILES_H
#define FLO_RUN_STEP_FILES_H

#include "core/context.h"

/* The name of a step's file, of a long long. */
#define FLO_STEP_NAME "step-%010lld.h5"

/* The steps of which `folder` has a file, newest first: *steps [*count] (flo_free). A
   folder that is not there has none. Local. FLO_ERROR_FILE, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_steps_list(flo_context *context, const char *folder,
                                       int64_t **steps, int64_t *count);

/* "FOLDER/NAME" (NAME alone when folder is NULL), and the path of a step's file
 * (flo_free). Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_steps_join(flo_context *context, const char *folder,
                                       const char *name, char **path);
FLO_MUST_USE flo_status flo_steps_path(flo_context *context, const char *folder,
                                       int64_t step, char **path);

#endif
