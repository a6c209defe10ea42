/* What killed processes left of a run's files on their way to their place. */
#ifndef FLO_RUN_LEFTOVERS_H
#define FLO_RUN_LEFTOVERS_H

#include "run/directory.h"

/* Removes the temporary files (hdf5/replacement.h) of the run's own files: checkpoints,
   samples, status.json, config.yaml, test.json. To be called by a process that has just
   taken the run's lock, before it writes: nobody alive is writing them. Many killed
   jobs would fill the disk. Local. FLO_ERROR_FILE, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_leftovers_remove(flo_directory *directory);

#endif
