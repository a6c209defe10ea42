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

#endif
