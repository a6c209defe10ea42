/* Checks of memory and of the limits of a process. */
#include "train/environment_parts.h"

#include <math.h>
#include <unistd.h>

static const double GB = 1e-9;
static const int64_t SHARED_BYTES_A_RANK = 16
                                           << 20; /* what Open MPI takes, and spare */
static const int64_t PINNED_BYTES = 64 << 20; /* less, and InfiniBand does not start */

enum { LEAST_FILES = 256 };

/* Bytes that the ranks of a host may take together. */
static double memory_of(const flo_machine *m)
{
    const double memory = m->memory > 0 ? (double)m->memory : INFINITY;
    return fmin(memory, (double)m->memory_limit);
}

/* The first rank of the host with the least memory a rank. */
static int tightest(const flo_environment *e)
{
    int found = 0;
    for (int rank = 1; rank < e->ranks; rank++)
        if (memory_of(&e->rank[rank].machine) * flo_ranks_beside(e, found) <
            memory_of(&e->rank[found].machine) * flo_ranks_beside(e, rank))
            found = rank;
    return found;
}

static void check_memory(const flo_environment *e, flo_checks *checks)
{
    const int rank = tightest(e);
    const flo_machine *const m = &e->rank[rank].machine;
    const int ranks = flo_ranks_beside(e, rank);
    const double needs = ranks * e->needs.memory_bytes, memory = memory_of(m);
    const char *const whose =
        m->memory_limit < INT64_MAX && memory == (double)m->memory_limit
            ? " (the limit of its cgroup)"
            : "";
    if (needs > memory)
        flo_checks_add(checks, FLO_LEVEL_BAD, "memory",
                       "a smaller data.memory, fewer ranks with more threads, or more "
                       "memory for the job",
                       "%d ranks take about %.3g GB on %s, which has %.3g%s", ranks,
                       GB * needs, m->host, GB * memory, whose);
    else if (m->memory_free >= 0 && needs > (double)m->memory_free)
        flo_checks_add(checks, FLO_LEVEL_WARN, "memory",
                       "a smaller data.memory, or wait for other jobs to end",
                       "%d ranks take about %.3g GB on %s, where %.3g are free now",
                       ranks, GB * needs, m->host, GB * (double)m->memory_free);
    else if (e->needs.memory_bytes > 0)
        flo_checks_add(checks, FLO_LEVEL_OK, "memory", "",
                       "%d ranks take about %.3g GB on %s, which has %.3g%s", ranks,
                       GB * needs, m->host, GB * memory, whose);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "memory", "",
                       "%s has %.3g GB%s, %.3g free", m->host, GB * memory, whose,
                       GB * (double)m->memory_free);
}

static void check_address_space(const flo_environment *e, flo_checks *checks)
{
    const int64_t limit = e->rank[0].machine.address_space;
    if (limit < 0 || limit == INT64_MAX)
        return;
    const bool least = (double)limit < 2 * e->needs.memory_bytes + 2e9;
    flo_checks_add(checks, least ? FLO_LEVEL_BAD : FLO_LEVEL_WARN, "ulimit -v",
                   "ulimit -v unlimited; limit memory by the job's cgroup instead",
                   "%.3g GB of addresses a process: threads, libraries and MPI map far "
                   "more than they use",
                   GB * (double)limit);
}

/* The rank that has too little of /dev/shm; -1: none. */
static int short_of_shared(const flo_environment *e)
{
    for (int rank = 0; rank < e->ranks; rank++) {
        const int64_t wanted = flo_ranks_beside(e, rank) * SHARED_BYTES_A_RANK;
        const int64_t free = e->rank[rank].machine.shared_free;
        if (free >= 0 && free < wanted)
            return rank;
    }
    return -1;
}

/* A full one is told by SIGBUS, in the middle of a run. */
static void check_shared(const flo_environment *e, flo_checks *checks)
{
    const int rank = short_of_shared(e);
    if (rank < 0)
        return;
    const flo_machine *const m = &e->rank[rank].machine;
    flo_checks_add(
        checks, e->ranks > 1 ? FLO_LEVEL_BAD : FLO_LEVEL_WARN, "/dev/shm",
        "remove what is left there by dead jobs; in a container --shm-size=1g",
        "%.3g of %.3g MB free on %s: messages between ranks of a host lie there, "
        "about 16 MB a rank",
        1e-6 * (double)m->shared_free, 1e-6 * (double)m->shared, m->host);
}

static void check_files(const flo_environment *e, flo_checks *checks)
{
    const int64_t limit = e->rank[0].machine.open_files;
    if (limit >= 0 && limit < LEAST_FILES)
        flo_checks_add(checks, FLO_LEVEL_BAD, "ulimit -n", "ulimit -n 4096",
                       "%lld open files a process, wanted at least %d for messages and "
                       "data files",
                       (long long)limit, LEAST_FILES);
}

static void check_file_size(const flo_environment *e, flo_checks *checks)
{
    const int64_t limit = e->rank[0].machine.file_size;
    if (limit >= 0 && limit < INT64_MAX)
        flo_checks_add(
            checks,
            (double)limit < e->needs.checkpoint_bytes + 1e6 ? FLO_LEVEL_BAD
                                                            : FLO_LEVEL_WARN,
            "ulimit -f", "ulimit -f unlimited",
            "files of at most %.3g MB: checkpoints and samples may be larger",
            1e-6 * (double)limit);
}

static void check_locked(const flo_environment *e, flo_checks *checks)
{
    const int64_t limit = e->rank[0].machine.locked_memory;
    if (limit >= 0 && limit < PINNED_BYTES &&
        access("/sys/class/infiniband", F_OK) == 0)
        flo_checks_add(
            checks, FLO_LEVEL_WARN, "ulimit -l",
            "ulimit -l unlimited, in the limits of the batch system's daemon",
            "%.3g MB of memory may be locked: InfiniBand may not start, and "
            "messages go over Ethernet",
            1e-6 * (double)limit);
}

void flo_check_memory(const flo_environment *e, flo_checks *checks)
{
    check_memory(e, checks);
    check_shared(e, checks);
    check_address_space(e, checks);
    check_files(e, checks);
    check_file_size(e, checks);
    check_locked(e, checks);
}
