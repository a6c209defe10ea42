/* Checks of cores: which the threads may use, how many want each, how fast they are. */
#include "train/environment_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_BYTES = 64 };

static const double SLOW = 0.7; /* of the median: a rank that holds up the others */

/* What sets where threads go: for the message, and the cure. */
static const char *binding_cure(const flo_environment *e)
{
    if (getenv("OMP_PROC_BIND") && strcmp(getenv("OMP_PROC_BIND"), "false") != 0)
        return "unset OMP_PROC_BIND, or have the launcher give each rank cores of its "
               "own (mpirun --map-by slot:PE=THREADS --bind-to core)";
    if (getenv("SLURM_STEP_ID"))
        return "srun -c THREADS, with as many as OMP_NUM_THREADS";
    if (e->ranks > 1 || strcmp(e->launcher, "no launcher") != 0)
        return "mpirun --bind-to none, or --map-by slot:PE=THREADS --bind-to core; or "
               "OMP_NUM_THREADS=1";
    return "fewer threads (OMP_NUM_THREADS, run.threads), or a wider mask (taskset)";
}

/* Threads of all ranks that have no core outside of this rank's, and how many ranks
   those are. */
static int threads_within(const flo_environment *e, int rank, int *ranks)
{
    int threads = 0;
    *ranks = 0;
    for (int other = 0; other < e->ranks; other++)
        if (flo_share_host(e, rank, other) &&
            flo_cpus_within(&e->rank[other].cpus, &e->rank[rank].cpus)) {
            threads += e->rank[other].threads;
            ++*ranks;
        }
    return threads;
}

/* Ranks bound to fewer cores than their threads, while the host may have others. */
static bool find_crowded(const flo_environment *e, flo_checks *checks)
{
    for (int rank = 0; rank < e->ranks; rank++) {
        const flo_rank_facts *const f = &e->rank[rank];
        int ranks;
        char cores[CPUS_BYTES];
        const int count = flo_cpus_count(&f->cpus);
        const int threads = threads_within(e, rank, &ranks);
        if (count == 0 || threads <= count || count >= f->machine.cores)
            continue;
        flo_cpus_text(&f->cpus, cores, sizeof cores);
        flo_checks_add(checks, FLO_LEVEL_BAD, "binding", binding_cure(e),
                       "rank %d on %s%s: %d threads share core%s %s of %lld", rank,
                       f->machine.host, ranks > 1 ? " and others bound like it" : "",
                       threads, count == 1 ? "" : "s", cores,
                       (long long)f->machine.cores);
        return true;
    }
    return false;
}

static void check_binding(const flo_environment *e, flo_checks *checks)
{
    const flo_rank_facts *const f = &e->rank[0];
    char cores[CPUS_BYTES];
    if (find_crowded(e, checks))
        return;
    if (flo_cpus_count(&f->cpus) == 0)
        flo_checks_add(checks, FLO_LEVEL_WARN, "binding", "",
                       "the system does not tell which cores rank 0 may use");
    else
        flo_checks_add(
            checks, FLO_LEVEL_OK, "binding", "",
            "%d thread%s of rank 0 may use core%s %s of %lld", f->threads,
            f->threads == 1 ? "" : "s", flo_cpus_count(&f->cpus) == 1 ? "" : "s",
            flo_cpus_text(&f->cpus, cores, sizeof cores), (long long)f->machine.cores);
}

static int threads_beside(const flo_environment *e, int rank)
{
    int threads = 0;
    for (int other = 0; other < e->ranks; other++)
        threads += flo_share_host(e, rank, other) ? e->rank[other].threads : 0;
    return threads;
}

/* The cores of a host, or the time on them that a container grants. */
static double cores_of(const flo_rank_facts *f)
{
    return fmin((double)f->machine.cores, f->machine.cores_worth);
}

/* The rank whose host has the most threads for its cores. */
static int fullest(const flo_environment *e)
{
    int found = 0;
    for (int rank = 1; rank < e->ranks; rank++)
        if (threads_beside(e, rank) * cores_of(&e->rank[found]) >
            threads_beside(e, found) * cores_of(&e->rank[rank]))
            found = rank;
    return found;
}

static void check_crowding(const flo_environment *e, flo_checks *checks)
{
    const int rank = fullest(e);
    const flo_rank_facts *const f = &e->rank[rank];
    const int threads = threads_beside(e, rank), ranks = flo_ranks_beside(e, rank);
    const bool limited = f->machine.cores_worth < (double)f->machine.cores;
    const char *const by = limited ? " that the container's limit grants" : "";
    if (threads <= cores_of(f)) {
        flo_checks_add(checks, FLO_LEVEL_OK, "cores", "",
                       "%d ranks x %d threads on %g cores%s of %s", ranks, f->threads,
                       cores_of(f), by, f->machine.host);
        return;
    }
    const bool spins = ranks > 1 && f->waiting == FLO_WAITING_SPINS;
    flo_checks_add(
        checks, spins ? FLO_LEVEL_BAD : FLO_LEVEL_WARN, "cores",
        spins ? "fewer ranks or threads (OMP_NUM_THREADS); or set "
                "OMPI_MCA_mpi_yield_when_idle=1: messages are then up to 150 times "
                "faster"
              : "fewer ranks or threads (OMP_NUM_THREADS)",
        "%d ranks x %d threads on %g cores%s of %s%s", ranks, f->threads, cores_of(f),
        by, f->machine.host,
        spins ? ", and a rank that waits keeps its core from the others" : "");
}

/* Others' work that a job would share the cores with. */
static void check_load(const flo_environment *e, flo_checks *checks)
{
    for (int rank = 0; rank < e->ranks; rank++) {
        const flo_machine *const m = &e->rank[rank].machine;
        const int threads = threads_beside(e, rank);
        if (flo_first_beside(e, rank) != rank ||
            m->load + threads <= 1.25 * (double)m->cores)
            continue;
        if (m->load >= 0.5)
            flo_checks_add(
                checks, FLO_LEVEL_WARN, "load",
                "wait for it or take another host: one slow rank holds up all",
                "other work: a load of %.1f over the last minute, on the %lld cores of "
                "%s",
                m->load, (long long)m->cores, m->host);
        return;
    }
}

static const char *value_of(const char *variable)
{
    const char *const value = getenv(variable);
    return value ? value : "not set";
}

static void check_openmp(const flo_environment *e, flo_checks *checks)
{
    const char *const policy = getenv("OMP_WAIT_POLICY");
    const bool crowded = threads_beside(e, 0) > cores_of(&e->rank[0]) && policy != NULL;
    for (int rank = 1; rank < e->ranks; rank++)
        if (e->rank[rank].threads != e->rank[0].threads) {
            flo_checks_add(checks, FLO_LEVEL_WARN, "openmp",
                           "OMP_NUM_THREADS or run.threads, the same for all",
                           "rank 0 would run %d threads, rank %d on %s %d; train takes "
                           "the least",
                           e->rank[0].threads, rank, e->rank[rank].machine.host,
                           e->rank[rank].threads);
            return;
        }
    if (crowded && (strcmp(policy, "active") == 0 || strcmp(policy, "ACTIVE") == 0))
        flo_checks_add(checks, FLO_LEVEL_WARN, "openmp", "unset OMP_WAIT_POLICY",
                       "OMP_WAIT_POLICY=active with more threads than cores: threads "
                       "that wait keep cores from those that work");
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "openmp", "",
                       "%d thread%s a rank; OMP_NUM_THREADS %s, OMP_PROC_BIND %s",
                       e->rank[0].threads, e->rank[0].threads == 1 ? "" : "s",
                       value_of("OMP_NUM_THREADS"), value_of("OMP_PROC_BIND"));
}

/* Selection by counting, so that nothing is allocated: the value that half are not
   above. */
static double median_speed(const flo_environment *e)
{
    for (int rank = 0; rank < e->ranks; rank++) {
        int below = 0, same = 0;
        for (int other = 0; other < e->ranks; other++) {
            below += e->rank[other].gflops < e->rank[rank].gflops;
            same += e->rank[other].gflops == e->rank[rank].gflops;
        }
        if (below <= e->ranks / 2 && e->ranks / 2 < below + same)
            return e->rank[rank].gflops;
    }
    return NAN;
}

/* All ranks computed at once: those that hold up the others, by name. */
static void check_speed(const flo_environment *e, flo_checks *checks)
{
    const double median = median_speed(e);
    char slow[512] = "";
    for (int rank = 0; rank < e->ranks; rank++) {
        const flo_rank_facts *const f = &e->rank[rank];
        const size_t used = strlen(slow);
        if (f->gflops < SLOW * median && used + 100 < sizeof slow)
            snprintf(slow + used, sizeof slow - used, "%srank %d on %s %.3g",
                     used ? ", " : "", rank, f->machine.host, f->gflops);
    }
    if (slow[0])
        flo_checks_add(checks, FLO_LEVEL_WARN, "speed",
                       "look for other jobs on these hosts and for ranks bound to one "
                       "core; ranks wait for the slowest",
                       "matrix products on all ranks at once: %.3g Gflop/s a rank, but "
                       "%s",
                       median, slow);
    else
        flo_checks_add(
            checks, FLO_LEVEL_OK, "speed", "",
            "matrix products on all ranks at once: %.3g Gflop/s a rank, none "
            "below %g of that",
            median, SLOW);
}

void flo_check_cores(const flo_environment *e, flo_checks *checks)
{
    check_binding(e, checks);
    check_crowding(e, checks);
    check_load(e, checks);
    check_openmp(e, checks);
    check_speed(e, checks);
}
