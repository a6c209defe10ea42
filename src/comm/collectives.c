/* The collectives: agreement on failure, and values copied, summed, compared, gathered.
   Each is cut into pieces that int counts can hold, and does nothing on one rank. */
#include "comm/comm_private.h"

#include <math.h>
#include <string.h>

enum { GATHER_TAG = 1 };

/* What the lowest failing rank tells the others. */
typedef struct failure {
    int status;
    char message[FLO_MESSAGE_BYTES];
} failure;

/* In place, over all ranks. size: bytes of one element. */
static void reduce(flo_comm *comm, void *values, int64_t count, size_t size,
                   MPI_Datatype type, MPI_Op operation)
{
    unsigned char *const bytes = values;
    flo_comm_waits(comm, FLO_WAIT_MEETING);
    for (int64_t done = 0; comm->size > 1 && done < count; done += comm->piece)
        flo_comm_check(comm,
                       MPI_Allreduce(MPI_IN_PLACE, bytes + (size_t)done * size,
                                     flo_comm_piece(comm, count - done), type,
                                     operation, comm->world),
                       "MPI_Allreduce");
    flo_comm_waits(comm, FLO_WAIT_NONE);
}

static void broadcast_from(flo_comm *comm, int root, void *memory, int64_t size)
{
    unsigned char *const bytes = memory;
    flo_comm_waits(comm, FLO_WAIT_MEETING);
    for (int64_t done = 0; comm->size > 1 && done < size; done += comm->piece)
        flo_comm_check(comm,
                       MPI_Bcast(bytes + done, flo_comm_piece(comm, size - done),
                                 MPI_BYTE, root, comm->world),
                       "MPI_Bcast");
    flo_comm_waits(comm, FLO_WAIT_NONE);
}

flo_status flo_comm_agree(flo_comm *comm, flo_context *context, flo_status status)
{
    int lowest = status == FLO_OK ? comm->size : comm->rank;
    reduce(comm, &lowest, 1, sizeof lowest, MPI_INT, MPI_MIN);
    if (lowest == comm->size)
        return FLO_OK;
    failure told = {.status = (int)status};
    memcpy(told.message, context->message, sizeof told.message);
    broadcast_from(comm, lowest, &told, (int64_t)sizeof told);
    memcpy(context->message, told.message, sizeof told.message);
    return (flo_status)told.status;
}

void flo_comm_broadcast(flo_comm *comm, void *bytes, int64_t size)
{
    broadcast_from(comm, 0, bytes, size);
}

flo_status flo_comm_broadcast_text(flo_comm *comm, flo_context *context, char **text)
{
    const bool is_root = comm->rank == 0;
    int64_t size = is_root ? (int64_t)strlen(*text) + 1 : 0;
    flo_comm_broadcast(comm, &size, (int64_t)sizeof size);
    flo_status status = FLO_OK;
    if (!is_root)
        status = flo_allocate(context, size, 1, text);
    status = flo_comm_agree(comm, context, status);
    if (status == FLO_OK)
        flo_comm_broadcast(comm, *text, size);
    else if (!is_root)
        flo_free(context, text);
    return status;
}

void flo_comm_share(flo_comm *comm, double *slots, int64_t count)
{
    /* -0 + 0 is +0, so a lone -0 would lose its sign on several ranks only; here it
       loses it on one rank as well. */
    for (int64_t i = 0; i < count; i++)
        slots[i] += 0.0;
    reduce(comm, slots, count, sizeof *slots, MPI_DOUBLE, MPI_SUM);
}

void flo_comm_sum_integers(flo_comm *comm, int64_t *values, int64_t count)
{
    reduce(comm, values, count, sizeof *values, MPI_INT64_T, MPI_SUM);
}

/* Replaces doubles by integers of the same order, -inf .. -0 < +0 .. +inf < NaN, and
   back. MPI leaves open what MPI_MIN does with NaN and with zeros of both signs, and
   could give ranks different answers; the order of integers is total. One rank alone
   needs neither. */
static void doubles_to_keys(double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t key;
        memcpy(&key, &values[i], sizeof key);
        if (isnan(values[i]))
            key = INT64_MAX; /* which is a NaN, too, when read as a double */
        else if (key < 0)
            key ^= INT64_MAX;
        memcpy(&values[i], &key, sizeof key);
    }
}

static void keys_to_doubles(double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t key;
        memcpy(&key, &values[i], sizeof key);
        if (key < 0)
            key ^= INT64_MAX;
        memcpy(&values[i], &key, sizeof key);
    }
}

static void extreme(flo_comm *comm, double *values, int64_t count, MPI_Op operation)
{
    if (comm->size == 1)
        return;
    doubles_to_keys(values, count);
    reduce(comm, values, count, sizeof *values, MPI_INT64_T, operation);
    keys_to_doubles(values, count);
}

void flo_comm_minimum(flo_comm *comm, double *values, int64_t count)
{
    extreme(comm, values, count, MPI_MIN);
}

void flo_comm_maximum(flo_comm *comm, double *values, int64_t count)
{
    extreme(comm, values, count, MPI_MAX);
}

bool flo_comm_same(flo_comm *comm, uint64_t bits)
{
    uint64_t least[2] = {bits, ~bits}; /* ~ turns a maximum into a minimum */
    reduce(comm, least, 2, sizeof *least, MPI_UINT64_T, MPI_MIN);
    return least[0] == ~least[1];
}

static void send_all(flo_comm *comm, const unsigned char *mine, int64_t count,
                     size_t size, MPI_Datatype type)
{
    flo_comm_check(comm, MPI_Send(&count, 1, MPI_INT64_T, 0, GATHER_TAG, comm->world),
                   "MPI_Send");
    for (int64_t done = 0; done < count; done += comm->piece)
        flo_comm_check(comm,
                       MPI_Send(mine + (size_t)done * size,
                                flo_comm_piece(comm, count - done), type, 0, GATHER_TAG,
                                comm->world),
                       "MPI_Send");
}

/* Returns the number of elements received from `rank` into `all`. */
static int64_t receive_all(flo_comm *comm, int rank, unsigned char *all, size_t size,
                           MPI_Datatype type)
{
    int64_t count = 0;
    flo_comm_check(comm,
                   MPI_Recv(&count, 1, MPI_INT64_T, rank, GATHER_TAG, comm->world,
                            MPI_STATUS_IGNORE),
                   "MPI_Recv");
    for (int64_t done = 0; done < count; done += comm->piece)
        flo_comm_check(comm,
                       MPI_Recv(all + (size_t)done * size,
                                flo_comm_piece(comm, count - done), type, rank,
                                GATHER_TAG, comm->world, MPI_STATUS_IGNORE),
                       "MPI_Recv");
    return count;
}

/* Point to point, rank after rank: it needs no table of counts and any amount fits. */
static void gather(flo_comm *comm, const void *mine, int64_t count, void *all,
                   size_t size, MPI_Datatype type)
{
    flo_comm_waits(comm, FLO_WAIT_MEETING);
    if (comm->rank != 0) {
        send_all(comm, mine, count, size, type);
    } else {
        unsigned char *next = all;
        if (count > 0)
            memcpy(next, mine, (size_t)count * size);
        next += (size_t)count * size;
        for (int rank = 1; rank < comm->size; rank++)
            next += (size_t)receive_all(comm, rank, next, size, type) * size;
    }
    flo_comm_waits(comm, FLO_WAIT_NONE);
}

void flo_comm_gather_reals(flo_comm *comm, const flo_real *mine, int64_t count,
                           flo_real *all)
{
    gather(comm, mine, count, all, sizeof *mine, FLO_MPI_REAL);
}

void flo_comm_gather_doubles(flo_comm *comm, const double *mine, int64_t count,
                             double *all)
{
    gather(comm, mine, count, all, sizeof *mine, MPI_DOUBLE);
}

void flo_comm_barrier(flo_comm *comm)
{
    flo_comm_waits(comm, FLO_WAIT_MEETING);
    if (comm->size > 1)
        flo_comm_check(comm, MPI_Barrier(comm->world), "MPI_Barrier");
    flo_comm_waits(comm, FLO_WAIT_NONE);
}
