/* Detection of the launcher, so that MPI starts under one and nowhere else.

   MPI without a launcher is a risk and a cost: on a login node it may fail to start,
   and inside a Slurm allocation it may wait for peers that do not exist. So a process
   counts as launched only by a variable that names it as one rank among others:

     OMPI_COMM_WORLD_SIZE   mpirun of Open MPI and its kin (IBM, NVIDIA)
     PMIX_RANK              anything that speaks PMIx: srun --mpi=pmix, prun, Flux
     PMI_RANK, PMI_SIZE     mpiexec of MPICH and its kin (Intel, Cray), srun --mpi=pmi2

   The variables of a Slurm job or step alone do not count: a plain shell inside salloc
   or sbatch has SLURM_JOB_ID and even SLURM_PROCID. But a step of several tasks without
   any of the above was started by srun without PMI, and its tasks know nothing of each
   other: that is refused, since each would train alone and all write the same files. */
#include "comm/launch.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK",
                                    "PMI_SIZE"};

/* Where a launcher says how many it started. Not SLURM_STEP_NUM_TASKS: under mpirun
   that counts mpirun's daemons, one a node. */
static const char *const counts[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};

enum {
    SIGNS = sizeof signs / sizeof signs[0],
    COUNTS = sizeof counts / sizeof counts[0]
};

/* The variable as a positive integer; 0 where it is not set or not one. */
static int64_t positive(const char *variable)
{
    const char *const text = getenv(variable);
    if (!text)
        return 0;
    char *end;
    const long long value = strtoll(text, &end, 10);
    return end != text && *end == '\0' && value > 0 ? value : 0;
}

static bool is_launched(void)
{
    for (int i = 0; i < SIGNS; i++)
        if (getenv(signs[i]))
            return true;
    return false;
}

static void find_tasks(flo_launch *launch)
{
    for (int i = 0; i < COUNTS && launch->tasks == 0; i++) {
        launch->tasks = positive(counts[i]);
        if (launch->tasks)
            launch->variable = counts[i];
    }
}

void flo_launch_bind(void)
{
    const pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() != parent)
        raise(SIGKILL); /* it died before the kernel knew */
}

flo_status flo_launch_find(flo_context *context, flo_launch *launch)
{
    *launch = (flo_launch){.launched = is_launched()};
    if (launch->launched) {
        find_tasks(launch);
        return FLO_OK;
    }
    const int64_t tasks = positive("SLURM_STEP_NUM_TASKS");
    if (tasks > 1)
        return flo_fail(context, FLO_ERROR_MPI,
                        "SLURM_STEP_NUM_TASKS: srun started %lld tasks that know "
                        "nothing of each other (no PMIX_RANK, PMI_RANK or "
                        "OMPI_COMM_WORLD_SIZE), so each would run alone; start with "
                        "srun --mpi=pmix (srun --mpi=list shows what there is), or "
                        "unset SLURM_STEP_NUM_TASKS where each task is meant to run "
                        "alone",
                        (long long)tasks);
    return FLO_OK;
}
