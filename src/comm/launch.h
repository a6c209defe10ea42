/* Whether a launcher started this process as one of several, told by the environment.
 */
#ifndef FLO_COMM_LAUNCH_H
#define FLO_COMM_LAUNCH_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_launch {
    bool launched; /* MPI is to be started */
    int64_t tasks; /* that the launcher started, by its own word; 0: it does not say */
    const char *variable; /* that says so; NULL where tasks is 0. Static storage. */
} flo_launch;

/* Reads the launcher's variables. FLO_ERROR_MPI when Slurm started several tasks
   without telling them of each other: each would train alone. Local. */
FLO_MUST_USE flo_status flo_launch_find(flo_context *context, flo_launch *launch);

/* Lets the kernel kill this process when the one that started it dies: mpirun, the
   daemon of a node. Otherwise a rank that waits for others would stay behind for ever.
   Only for what a launcher started: under nohup it would die with its shell. Local. */
void flo_launch_bind(void);

/* This process's rank by the launcher's own word, before or without MPI; 0 where there
   is none. Local. */
int64_t flo_launch_rank(void);

/* What started this process, for people: "mpirun of Open MPI", "no launcher". Static
   storage. Local. */
const char *flo_launch_name(void);

#endif
