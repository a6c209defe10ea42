/* How many threads a rank uses. */
#include "train/threads.h"

#include <limits.h>
#include <omp.h>
#include <stdlib.h>

/* Not omp_get_max_threads: OpenBLAS, when it was kept to one thread, set that to 1. The
   variable may be a list, by levels of nesting. 0: not set, or no number. */
static int asked(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    const long number = text ? strtol(text, NULL, 10) : 0;
    return number > 0 && number <= INT_MAX ? (int)number : 0;
}

int flo_threads_usable(flo_comm *comm)
{
    if (asked())
        return asked();
    const int share = omp_get_num_procs() / flo_comm_sharing(comm);
    return share > 1 ? share : 1;
}

flo_status flo_threads_choose(flo_comm *comm, flo_arena *arena,
                              const flo_config *config, int *threads)
{
    const int64_t lanes = config->train.lanes, ranks = flo_comm_size(comm);
    const bool automatic = config->run.threads == FLO_AUTO;
    double least = (double)(automatic ? flo_threads_usable(comm) : config->run.threads);
    const int limit =
        omp_get_thread_limit(); /* OMP_THREAD_LIMIT: a team is never larger */
    least = least < limit ? least : limit;
    omp_set_dynamic(0);
    flo_comm_minimum(comm, &least, 1);
    if (automatic && ranks <= lanes && (int64_t)least * ranks > lanes)
        least = (double)(lanes / ranks);
    *threads = (int)least;
    if (ranks * *threads <= lanes)
        return FLO_OK;
    return flo_settings_fail(
        arena, flo_node_find(flo_node_find(config->root, "train"), "lanes"),
        "at least ranks x threads = %lld x %d; start the run with train.lanes: %lld or "
        "more, or with at most %lld ranks of 1 thread",
        (long long)ranks, *threads, (long long)(ranks * *threads), (long long)lanes);
}
