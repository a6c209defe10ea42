/* Measuring messages, and asking MPI's own tools interface how it waits. */
#include "comm/probe.h"

#include "comm/comm_private.h"
#include "core/clock.h"

#include <math.h>

enum { PROBE_TAG = 2 };

static const double PATIENCE_SECONDS = 0.2; /* for slow networks */

/* One round trip; `left` sends first. */
static void bounce(const flo_comm *comm, bool sends, int peer, void *buffer, int bytes)
{
    for (int turn = 0; turn < 2; turn++)
        if (sends == (turn == 0))
            flo_comm_check(
                comm, MPI_Send(buffer, bytes, MPI_BYTE, peer, PROBE_TAG, comm->world),
                "MPI_Send");
        else
            flo_comm_check(comm,
                           MPI_Recv(buffer, bytes, MPI_BYTE, peer, PROBE_TAG,
                                    comm->world, MPI_STATUS_IGNORE),
                           "MPI_Recv");
}

/* Whether another round trip comes after this one: at least one besides the first,
   which makes the connection, then as many as are wanted and time allows. */
static bool goes_on(int round, int rounds, double begin)
{
    return round < 1 || (round < rounds && flo_seconds() - begin < PATIENCE_SECONDS);
}

double flo_probe_message(flo_comm *comm, int left, int right, int64_t bytes, int rounds)
{
    if (left == right || (comm->rank != left && comm->rank != right))
        return 0;
    char *buffer; /* its first byte: whether `left` goes on */
    if (flo_allocate(comm->context, bytes, 1, &buffer) != FLO_OK)
        flo_comm_abort(comm, flo_context_message(comm->context));
    const bool is_left = comm->rank == left;
    const double start = flo_seconds();
    double best = INFINITY;
    bool more = true;
    for (int round = 0; more; round++) {
        const double begin = flo_seconds();
        if (is_left)
            buffer[0] = goes_on(round, rounds, start);
        bounce(comm, is_left, is_left ? right : left, buffer,
               flo_comm_piece(comm, bytes));
        more = buffer[0];
        const double seconds = (flo_seconds() - begin) / 2;
        if (round > 0 && seconds < best)
            best = seconds;
    }
    flo_free(comm->context, &buffer);
    return is_left ? best : 0;
}

/* Control variables are read through a handle; this one is a bool or an int. */
static flo_waiting read_variable(int index)
{
    MPI_T_cvar_handle handle;
    int count;
    int64_t value = 0; /* wide enough for either */
    if (MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) != MPI_SUCCESS)
        return FLO_WAITING_UNKNOWN;
    const bool read = count == 1 && MPI_T_cvar_read(handle, &value) == MPI_SUCCESS;
    MPI_T_cvar_handle_free(&handle);
    if (!read)
        return FLO_WAITING_UNKNOWN;
    return value ? FLO_WAITING_YIELDS : FLO_WAITING_SPINS;
}

flo_waiting flo_probe_waiting(const flo_comm *comm)
{
    int level, index;
    if (!comm->has_mpi || MPI_T_init_thread(MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
        return FLO_WAITING_UNKNOWN;
    flo_waiting waiting = FLO_WAITING_UNKNOWN;
    if (MPI_T_cvar_get_index("mpi_yield_when_idle", &index) == MPI_SUCCESS)
        waiting = read_variable(index);
    MPI_T_finalize();
    return waiting;
}
