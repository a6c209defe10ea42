/* The ranks of a run: one process alone, or the ranks of an MPI communicator. */
#ifndef FLO_COMM_COMM_H
#define FLO_COMM_COMM_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_comm flo_comm;

/* Starts MPI (MPI_THREAD_FUNNELED) when the process runs under a launcher (the
   variables of Open MPI, PMIx and PMI tell), joins it where it is started already, else
   makes a communicator of one without MPI. The world is duplicated; MPI_ERRORS_RETURN
   on the duplicate. argc and argv may be NULL. *comm is NULL after a failure.
   Collective, but failures need not be agreed: each rank exits on its own.
   FLO_ERROR_MEMORY, FLO_ERROR_MPI. */
FLO_MUST_USE flo_status flo_comm_start(flo_context *context, int *argc, char ***argv,
                                       flo_comm **comm);

/* A communicator of one, without MPI: for what must go on where flo_comm_start failed.
   Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_comm_start_alone(flo_context *context, flo_comm **comm);

/* Ends the watchdog if one runs, frees the communicator and, when flo_comm_start
 * started MPI, finalises it. Collective. */
void flo_comm_finish(flo_comm **comm);

/* Ends the job at once, printing who and why: a failed MPI call or a broken invariant.
 */
void flo_comm_abort(const flo_comm *comm, const char *message) FLO_ATTRIBUTE(noreturn);

int flo_comm_rank(const flo_comm *comm);
int flo_comm_size(const flo_comm *comm);
/* The ranks on this rank's host, itself included. Collective. */
int flo_comm_sharing(const flo_comm *comm);
const char *flo_comm_library(const flo_comm *comm); /* "Open MPI 4.1.4", "none" */
/* The MPI that this program is linked with, started or not: "Open MPI 4.1.4" into name
   [size]. Local. */
void flo_comm_built_with(char *name, size_t size);

/* Agrees on failure: when any rank comes with another status than FLO_OK, every rank
   gets the status and the message of the lowest such rank. Returns the agreed status.
   After it all ranks are in the same state; rank 0 prints. Collective. */
FLO_MUST_USE flo_status flo_comm_agree(flo_comm *comm, flo_context *context,
                                       flo_status status);

/* Copies bytes [size] of rank 0 to all. Collective. A failed call aborts the job. */
void flo_comm_broadcast(flo_comm *comm, void *bytes, int64_t size);

/* The same for a text whose length only rank 0 knows: *text is allocated on the other
   ranks (and untouched on rank 0); all free it with flo_free. Collective.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_comm_broadcast_text(flo_comm *comm, flo_context *context,
                                                char **text);

/* Sums over ranks, in place. Exact, hence the same bits on any number of ranks, where
   each slot is other than zero on one rank at most: the way to share values by lane.
   -0 becomes 0. Collective. */
void flo_comm_share(flo_comm *comm, double *slots, int64_t count);
void flo_comm_sum_integers(flo_comm *comm, int64_t *values, int64_t count);

/* The least and the greatest value over ranks, in place, in the order -inf .. -0 < +0
   .. +inf < NaN: so the maximum is NaN where any is, and the bits do not depend on the
   number of ranks. Collective. */
void flo_comm_minimum(flo_comm *comm, double *values, int64_t count);
void flo_comm_maximum(flo_comm *comm, double *values, int64_t count);

/* Whether all ranks hold the same 64 bits. Collective. */
bool flo_comm_same(flo_comm *comm, uint64_t bits);

/* Gathers count reals of each rank (may differ) on rank 0, in the order of ranks, into
   all [total]; `all` may be NULL elsewhere. The same for doubles and bytes. Chunked so
   that MPI's int counts never overflow. Collective. */
void flo_comm_gather_reals(flo_comm *comm, const flo_real *mine, int64_t count,
                           flo_real *all);
void flo_comm_gather_doubles(flo_comm *comm, const double *mine, int64_t count,
                             double *all);
void flo_comm_gather_bytes(flo_comm *comm, const void *mine, int64_t count, void *all);

/* Waits for all. Collective. */
void flo_comm_barrier(flo_comm *comm);

#endif
