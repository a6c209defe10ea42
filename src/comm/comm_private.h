/* What a communicator holds; for src/comm and its tests, the only places that see MPI.
 */
#ifndef FLO_COMM_COMM_PRIVATE_H
#define FLO_COMM_COMM_PRIVATE_H

#include "comm/shared_memory.h"
#include "comm/watch_record.h"

#include <mpi.h>

#ifdef FLOTILLA_DOUBLE
#define FLO_MPI_REAL MPI_DOUBLE
#else
#define FLO_MPI_REAL MPI_FLOAT
#endif

/* Where the main thread is, for the watching one. */
typedef struct flo_watch_place {
    atomic_int phase, wait; /* flo_phase, flo_wait */
    atomic_int_fast64_t step;
} flo_watch_place;

typedef struct flo_watch flo_watch; /* comm/watch.c */

/* Where the ranks of a host meet, in memory that they share. */
typedef struct flo_meeting {
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint round;
} flo_meeting;

/* The hosts (comm/hosts.h). */
typedef struct flo_hosts {
    int count, least, number;
    int rank, size; /* on this rank's host */
    int *first;     /* [count + 1]; NULL: each rank is a host of its own */
    MPI_Comm local; /* of this host, where it has several ranks */
    flo_shared_memory *memory;
    flo_meeting *meeting; /* in it */
    char note[256];
} flo_hosts;

struct flo_comm {
    flo_context *context; /* borrowed: counts the memory of this object */
    bool has_mpi;         /* false: one process without MPI, `world` is unused */
    bool started_mpi;     /* finalised by flo_comm_finish */
    MPI_Comm world;       /* our duplicate of the world */
    int rank, size;
    int64_t piece; /* most elements of one MPI call; tests lower it */
    flo_hosts hosts;
    flo_watch_place place;
    flo_watch *watch; /* NULL: none */
    char host[256];
    char library[128];
};

/* Aborts the job, naming the call and MPI's own text, unless code is MPI_SUCCESS: after
   a failed call the state of MPI is not defined, so nothing can be agreed on. Local. */
void flo_comm_check(const flo_comm *comm, int code, const char *call);

/* Around every call that waits for other ranks: who waits is not to blame. Local. */
static inline void flo_comm_waits(flo_comm *comm, flo_wait wait)
{
    atomic_store_explicit(&comm->place.wait, (int)wait, memory_order_relaxed);
    flo_worked(comm->context);
}

/* Frees what flo_hosts_find took: each rank is a host of its own again. Collective. */
void flo_hosts_forget(flo_comm *comm);

/* The count of the next MPI call when `left` elements are left. Local. */
int flo_comm_piece(const flo_comm *comm, int64_t left);

#endif
