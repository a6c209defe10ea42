/* What messages cost, measured, and how this MPI waits for them. */
#ifndef FLO_COMM_PROBE_H
#define FLO_COMM_PROBE_H

#include "comm/comm.h"

/* Seconds of one message of `bytes` from rank `left` to `right` or back: the best of
   `rounds` round trips, halved, or of as many as 0.2 s allow. Measured on `left`; 0 on
   all others, which return at once unless they are `right`. Collective.
   FLO_ERROR_MEMORY on one of the two would leave the other waiting: it aborts the job.
 */
double flo_probe_message(flo_comm *comm, int left, int right, int64_t bytes,
                         int rounds);

typedef enum flo_waiting {
    FLO_WAITING_UNKNOWN, /* this MPI does not tell */
    FLO_WAITING_SPINS,   /* a rank that waits keeps its core busy */
    FLO_WAITING_YIELDS   /* it gives way to others */
} flo_waiting;

/* What a rank does while it waits in MPI: mpi_yield_when_idle of Open MPI. Local. */
flo_waiting flo_probe_waiting(const flo_comm *comm);

#endif
