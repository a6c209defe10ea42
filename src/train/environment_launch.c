/* Checks of the launch: who started the ranks, on which hosts, which program. */
#include "train/environment_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t number(const char *variable)
{
    const char *const text = getenv(variable);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* Whether a program of this name is in a folder of PATH. */
static bool on_path(const char *program)
{
    const char *folder = getenv("PATH");
    while (folder && *folder) {
        const size_t length = strcspn(folder, ":");
        char path[1024];
        snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, program);
        if (access(path, X_OK) == 0)
            return true;
        folder += length + (folder[length] == ':');
    }
    return false;
}

/* One process without a launcher: all is well, unless more were meant. */
static void check_alone(const flo_environment *e, flo_checks *checks)
{
    const int64_t tasks = number("SLURM_NTASKS");
    if (tasks > 1)
        flo_checks_add(checks, FLO_LEVEL_WARN, "launch",
                       "start the ranks with srun --mpi=pmix, or mpirun",
                       "one process alone, in a Slurm job of %lld tasks",
                       (long long)tasks);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "launch", "",
                       "one process alone, MPI not started (linked with %s)",
                       e->library);
}

static void check_launch(const flo_environment *e, flo_checks *checks)
{
    if (e->start_failure)
        flo_checks_add(checks, FLO_LEVEL_BAD, "launch", "", "%s: %s", e->launcher,
                       e->start_failure);
    else if (e->ranks == 1 && strcmp(e->launcher, "no launcher") == 0)
        check_alone(e, checks);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "launch", "",
                       "%s, %s, PMIx %s: %d rank%s, %d of them on %s, hosts: %d",
                       e->launcher, e->library,
                       getenv("PMIX_RANK") ? "seen" : "not seen", e->ranks,
                       e->ranks == 1 ? "" : "s", flo_ranks_beside(e, 0),
                       e->rank[0].machine.host, flo_hosts(e));
}

/* What keeps mpirun from starting anything; a process that it started knows it did. */
static void check_mpirun(const flo_environment *e, flo_checks *checks)
{
    if (!flo_is_open_mpi(e) || strcmp(e->launcher, "no launcher") != 0)
        return;
    if (geteuid() == 0 &&
        !(getenv("OMPI_ALLOW_RUN_AS_ROOT") && getenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM")))
        flo_checks_add(checks, FLO_LEVEL_WARN, "root",
                       "another user; in a container set OMPI_ALLOW_RUN_AS_ROOT=1 and "
                       "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 (scripts/train_local.sh does)",
                       "this is root, for whom mpirun refuses to start anything");
    const char *const launchers = getenv("OMPI_MCA_plm");
    if (!on_path("ssh") && !on_path("rsh") && !getenv("SLURM_JOB_ID") &&
        !getenv("OMPI_MCA_plm_rsh_agent") &&
        !(launchers && strstr(launchers, "rsh") && launchers[0] == '^'))
        flo_checks_add(checks, FLO_LEVEL_WARN, "ssh",
                       "install ssh; on one host set OMPI_MCA_plm=^rsh "
                       "(scripts/train_local.sh does)",
                       "neither ssh nor rsh on PATH: mpirun may stop, on one host too");
}

/* A rank whose text differs from that of rank 0; 0: none does. */
static int odd_rank(const flo_environment *e, size_t offset)
{
    for (int rank = 1; rank < e->ranks; rank++)
        if (strcmp((const char *)&e->rank[0] + offset,
                   (const char *)&e->rank[rank] + offset) != 0)
            return rank;
    return 0;
}

static void check_program(const flo_environment *e, flo_checks *checks)
{
    const flo_rank_facts *const first = &e->rank[0];
    const int odd = odd_rank(e, offsetof(flo_rank_facts, build));
    if (odd)
        flo_checks_add(
            checks, FLO_LEVEL_BAD, "program", "install one flotilla on all hosts",
            "rank 0 on %s runs %s, rank %d on %s runs %s", first->machine.host,
            first->build, odd, e->rank[odd].machine.host, e->rank[odd].build);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "program", "", "flotilla %s%s",
                       first->build, e->ranks > 1 ? " on all ranks" : "");
}

static void check_blas(const flo_environment *e, flo_checks *checks)
{
    static const char *const how[] = {"sequential", "pthread", "OpenMP"};
    const flo_rank_facts *const first = &e->rank[0];
    const int odd = odd_rank(e, offsetof(flo_rank_facts, blas_core));
    if (odd)
        flo_checks_add(checks, FLO_LEVEL_BAD, "blas",
                       "run on hosts of one kind, or set OPENBLAS_CORETYPE for all",
                       "kernels for %s on %s, for %s on rank %d on %s: results would "
                       "differ in their last bits, and train refuses",
                       first->blas_core, first->machine.host, e->rank[odd].blas_core,
                       odd, e->rank[odd].machine.host);
    else if (first->blas_threads > 1)
        flo_checks_add(checks, FLO_LEVEL_BAD, "blas",
                       "link the OpenMP flavour of OpenBLAS (libopenblas-openmp-dev)",
                       "%s keeps to %d threads a call, inside each of ours",
                       first->blas, first->blas_threads);
    else if (first->blas_how == FLO_BLAS_PTHREAD)
        flo_checks_add(
            checks, FLO_LEVEL_WARN, "blas",
            "link the OpenMP flavour (libopenblas-openmp-dev), or build with "
            "its folder in -DFLOTILLA_OPENBLAS",
            "%s, core %s: the pthread flavour, whose threads are not ours", first->blas,
            first->blas_core);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "blas", "",
                       "%s, %s flavour, one thread a call, core %s", first->blas,
                       how[first->blas_how], first->blas_core);
}

/* Since Slurm 22.05 srun does not take the cores of a task from the job. */
static void check_slurm(const flo_environment *e, flo_checks *checks)
{
    if (!getenv("SLURM_JOB_ID"))
        return;
    const int64_t asked = number("SLURM_CPUS_PER_TASK");
    const int given = flo_cpus_count(&e->rank[0].cpus);
    const bool in_step = getenv("SLURM_STEP_ID") != NULL;
    const char *const nodes = getenv("SLURM_JOB_NUM_NODES");
    if (in_step && given > 0 && asked > given)
        flo_checks_add(checks, FLO_LEVEL_BAD, "slurm",
                       "srun -c $SLURM_CPUS_PER_TASK (srun no longer takes it from the "
                       "job, since Slurm 22.05)",
                       "job %s has SLURM_CPUS_PER_TASK=%lld, rank 0 may use %d core%s",
                       getenv("SLURM_JOB_ID"), (long long)asked, given,
                       given == 1 ? "" : "s");
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "slurm", "", "job %s on %s node%s%s%s",
                       getenv("SLURM_JOB_ID"), nodes ? nodes : "1",
                       nodes && strcmp(nodes, "1") != 0 ? "s" : "",
                       in_step ? ", step " : ", not in a step of srun",
                       in_step ? getenv("SLURM_STEP_ID") : "");
}

void flo_check_launch(const flo_environment *e, flo_checks *checks)
{
    check_launch(e, checks);
    check_mpirun(e, checks);
    check_slurm(e, checks);
    check_program(e, checks);
    check_blas(e, checks);
}
