/* How many threads a rank uses. */
#ifndef FLO_TRAIN_THREADS_H
#define FLO_TRAIN_THREADS_H

#include "train/config.h"

/* OMP_NUM_THREADS where it is set, else the cores in this rank's mask, shared with the
   ranks beside it on the host. Collective. */
int flo_threads_usable(flo_comm *comm);

/* run.threads, or the cores that this rank may use (OMP_NUM_THREADS where set); at most
   what the lanes allow. Every rank takes the least of all ranks. Collective.
   FLO_ERROR_CONFIG: fewer lanes than ranks x threads, naming what fits. */
FLO_MUST_USE flo_status flo_threads_choose(flo_comm *comm, flo_arena *arena,
                                           const flo_config *config, int *threads);

#endif
