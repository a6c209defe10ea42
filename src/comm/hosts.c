/* The ranks that share a host, found by MPI and by trying. */
#include "comm/hosts.h"
#include "comm/comm_private.h"

#include <sched.h>
#include <stdio.h>

/* The ranks of this machine, in their order; to be freed. */
static MPI_Comm split_machine(const flo_comm *comm)
{
    MPI_Comm machine;
    flo_comm_check(comm,
                   MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, 0,
                                       MPI_INFO_NULL, &machine),
                   "MPI_Comm_split_type");
    return machine;
}

int flo_comm_sharing(const flo_comm *comm)
{
    if (flo_comm_size(comm) == 1)
        return 1;
    int ranks = 1;
    MPI_Comm machine = split_machine(comm);
    flo_comm_check(comm, MPI_Comm_size(machine, &ranks), "MPI_Comm_size");
    flo_comm_check(comm, MPI_Comm_free(&machine), "MPI_Comm_free");
    return ranks;
}

void flo_hosts_forget(flo_comm *comm)
{
    flo_hosts *const hosts = &comm->hosts;
    flo_shared_memory_destroy(&hosts->memory);
    if (hosts->first && hosts->local != MPI_COMM_NULL)
        flo_comm_check(comm, MPI_Comm_free(&hosts->local), "MPI_Comm_free");
    flo_free(comm->context, &hosts->first);
    *hosts = (flo_hosts){.count = comm->size,
                         .least = 1,
                         .number = comm->rank,
                         .size = 1,
                         .local = MPI_COMM_NULL};
}

/* machine [size]: the lowest rank on each rank's machine. */
static void name_machines(flo_comm *comm, int *machine)
{
    MPI_Comm own = split_machine(comm);
    int lowest = comm->rank;
    flo_comm_check(comm, MPI_Bcast(&lowest, 1, MPI_INT, 0, own), "MPI_Bcast");
    flo_comm_check(comm, MPI_Comm_free(&own), "MPI_Comm_free");
    flo_comm_check(comm,
                   MPI_Allgather(&lowest, 1, MPI_INT, machine, 1, MPI_INT, comm->world),
                   "MPI_Allgather");
}

/* Cuts the ranks into hosts: runs on one machine, of at most `most`. */
static void cut(flo_comm *comm, const int *machine, int most)
{
    flo_hosts *const hosts = &comm->hosts;
    hosts->count = 0;
    for (int rank = 0; rank < comm->size; rank++) {
        const int run = hosts->count ? rank - hosts->first[hosts->count - 1] : 0;
        if (!run || machine[rank] != machine[rank - 1] || (most && run == most))
            hosts->first[hosts->count++] = rank;
        if (rank == comm->rank)
            hosts->number = hosts->count - 1;
    }
    hosts->first[hosts->count] = comm->size;
    hosts->least = comm->size;
    for (int host = 0; host < hosts->count; host++) {
        const int size = hosts->first[host + 1] - hosts->first[host];
        hosts->least = size < hosts->least ? size : hosts->least;
    }
    hosts->rank = comm->rank - hosts->first[hosts->number];
    hosts->size = hosts->first[hosts->number + 1] - hosts->first[hosts->number];
}

/* Ranks of one machine that are no run: one comes after a rank of another machine, and
   is not its machine's first. */
static void note_order(flo_hosts *hosts, const int *machine, int size)
{
    bool in_turn = false;
    for (int rank = 1; rank < size; rank++)
        in_turn |= machine[rank] != machine[rank - 1] && machine[rank] != rank;
    if (in_turn)
        snprintf(hosts->note, sizeof hosts->note,
                 "the ranks of a host are not consecutive and share less memory than "
                 "they could (mpirun --map-by core, srun --distribution=block)");
}

static flo_status find(flo_comm *comm, flo_context *context, int most)
{
    flo_hosts *const hosts = &comm->hosts;
    int *machine = NULL;
    flo_status status =
        flo_allocate(comm->context, comm->size + 1, sizeof(int), &hosts->first);
    if (status == FLO_OK)
        status = flo_allocate(context, comm->size, sizeof *machine, &machine);
    status = flo_comm_agree(comm, context, status);
    if (status == FLO_OK) {
        flo_comm_waits(comm, FLO_WAIT_MEETING);
        name_machines(comm, machine);
        cut(comm, machine, most);
        note_order(hosts, machine, comm->size);
        if (hosts->count < comm->size)
            flo_comm_check(
                comm,
                MPI_Comm_split(comm->world, hosts->number, comm->rank, &hosts->local),
                "MPI_Comm_split");
        flo_comm_waits(comm, FLO_WAIT_NONE);
    }
    flo_free(context, &machine);
    return status;
}

flo_status flo_hosts_find(flo_comm *comm, flo_context *context, int most)
{
    flo_hosts *const hosts = &comm->hosts;
    flo_hosts_forget(comm);
    if (comm->size == 1 || most == 1)
        return FLO_OK;
    flo_status status = find(comm, context, most);
    if (status == FLO_OK && hosts->count < comm->size)
        status = flo_shared_memory_create(comm, context, (int64_t)sizeof(flo_meeting),
                                          &hosts->memory);
    if (status == FLO_OK && hosts->memory)
        hosts->meeting = flo_shared_memory_at(hosts->memory);
    if (status == FLO_OK)
        return FLO_OK;
    flo_hosts_forget(comm);
    if (status != FLO_ERROR_FILE)
        return status;
    snprintf(hosts->note, sizeof hosts->note, "%s", flo_context_message(context));
    return FLO_OK;
}

const char *flo_hosts_note(const flo_comm *comm)
{
    return comm->hosts.note;
}

int flo_hosts_count(const flo_comm *comm)
{
    return comm->hosts.count;
}

int flo_hosts_least(const flo_comm *comm)
{
    return comm->hosts.least;
}

int flo_hosts_first(const flo_comm *comm, int host)
{
    return comm->hosts.first ? comm->hosts.first[host] : host;
}

int flo_host_number(const flo_comm *comm)
{
    return comm->hosts.number;
}

int flo_host_size(const flo_comm *comm)
{
    return comm->hosts.size;
}

int flo_host_rank(const flo_comm *comm)
{
    return comm->hosts.rank;
}

void flo_host_meet(flo_comm *comm)
{
    flo_meeting *const meeting = comm->hosts.meeting;
    if (comm->hosts.size == 1)
        return;
    flo_comm_waits(comm, FLO_WAIT_MEETING);
    const unsigned round = atomic_load(&meeting->round);
    if (atomic_fetch_add(&meeting->arrived, 1) + 1 == (unsigned)comm->hosts.size) {
        atomic_store(&meeting->arrived, 0);
        atomic_store(&meeting->round, round + 1);
    }
    /* Where there are more ranks than cores, a peer may be waiting for this one. */
    while (atomic_load(&meeting->round) == round)
        sched_yield();
    flo_comm_waits(comm, FLO_WAIT_NONE);
}
