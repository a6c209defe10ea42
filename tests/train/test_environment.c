/* Every ill of an environment is found, where it is, and a sound one passes: on made-up
   ranks and hosts. */
#include "train/environment.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RANKS = 4 };

typedef struct clinic {
    flo_environment e;
    flo_rank_facts rank[RANKS];
    flo_checks checks;
} clinic;

static const char *const variables[] = {"SLURM_JOB_ID",
                                        "SLURM_STEP_ID",
                                        "SLURM_CPUS_PER_TASK",
                                        "SLURM_NTASKS",
                                        "SLURM_JOB_NUM_NODES",
                                        "OMP_PROC_BIND",
                                        "OMP_WAIT_POLICY",
                                        "HDF5_USE_FILE_LOCKING",
                                        "OMPI_MCA_plm_rsh_agent",
                                        "OMPI_MCA_plm",
                                        "OMPI_ALLOW_RUN_AS_ROOT",
                                        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                                        "OMPI_MCA_btl_vader_single_copy_mechanism"};

/* Four ranks of two threads on two hosts of 8 cores, 4 to each rank, all well. */
static int set_up(void **state)
{
    clinic *const c = calloc(1, sizeof *c);
    *state = c;
    if (!c)
        return -1;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    for (int rank = 0; rank < RANKS; rank++)
        c->rank[rank] = (flo_rank_facts){.machine = {.host = "one",
                                                     .cores = 8,
                                                     .cores_worth = INFINITY,
                                                     .memory = 64000000000,
                                                     .memory_free = 60000000000,
                                                     .memory_limit = INT64_MAX,
                                                     .shared = 1 << 30,
                                                     .shared_free = 1 << 30,
                                                     .address_space = INT64_MAX,
                                                     .locked_memory = INT64_MAX,
                                                     .open_files = 1024,
                                                     .file_size = INT64_MAX},
                                         .build = "0.1 (abc, float)",
                                         .blas = "OpenBLAS 0.3",
                                         .blas_core = "Haswell",
                                         .blas_how = FLO_BLAS_OPENMP,
                                         .blas_threads = 1,
                                         .threads = 2,
                                         .cpus = {{rank % 2 ? 0xf0 : 0x0f}},
                                         .waiting = FLO_WAITING_SPINS,
                                         .gflops = 100};
    for (int rank = 2; rank < RANKS; rank++)
        strcpy(c->rank[rank].machine.host, "two");
    c->e = (flo_environment){.launcher = "mpirun of Open MPI",
                             .library = "Open MPI 4.1.4",
                             .ranks = RANKS,
                             .rank = c->rank,
                             .near = {1, 1e-6, 1e10},
                             .far = {2, 2e-6, 1e10},
                             .directory = {.path = "runs",
                                           .system = "xfs",
                                           .locks = true,
                                           .flush_seconds = 0.01,
                                           .free_bytes = 1000000000000},
                             .hdf5 = {{1, 10, 8}, false, true}};
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static const flo_check *find(clinic *c, const char *name)
{
    for (int64_t i = 0; i < c->checks.count; i++)
        if (strcmp(c->checks.row[i].name, name) == 0)
            return &c->checks.row[i];
    return NULL;
}

static bool holds(const flo_check *check, const char *part)
{
    return strstr(check->found, part) || strstr(check->cure, part);
}

/* The check `name` is at `level` and says each of `parts` (ends in NULL); no other is
   above ok. */
static void expect(clinic *c, const char *name, flo_level level,
                   const char *const *parts)
{
    flo_environment_check(&c->e, &c->checks);
    const flo_check *const check = find(c, name);
    if (!check)
        fail_msg("no check of %s", name);
    if (check->level != level)
        fail_msg("%s is at %d, wanted %d: %s", name, check->level, level, check->found);
    for (; *parts; parts++)
        if (!holds(check, *parts))
            fail_msg("'%s' not in: %s; %s", *parts, check->found, check->cure);
    for (int64_t i = 0; i < c->checks.count; i++)
        if (c->checks.row[i].level != FLO_LEVEL_OK && &c->checks.row[i] != check)
            fail_msg("%s besides: %s", c->checks.row[i].name, c->checks.row[i].found);
}

#define EXPECT(name, level, ...)                                                       \
    expect(c, name, level, (const char *const[]){__VA_ARGS__, NULL})

static void a_sound_environment_passes(void **state)
{
    clinic *const c = *state;
    EXPECT("launch", FLO_LEVEL_OK, "4 ranks, 2 of them on one, hosts: 2");
    EXPECT("binding", FLO_LEVEL_OK, "2 threads of rank 0 may use cores 0-3 of 8");
    EXPECT("network", FLO_LEVEL_OK, "to two");
}

static void a_failed_start_is_told(void **state)
{
    clinic *const c = *state;
    c->e.start_failure = "MPI sees 1";
    EXPECT("launch", FLO_LEVEL_BAD, "MPI sees 1", "mpirun of Open MPI");
}

static void one_process_where_several_were_meant(void **state)
{
    clinic *const c = *state;
    c->e.ranks = 1;
    c->e.launcher = "no launcher";
    c->e.near.peer = c->e.far.peer = 0;
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    setenv("OMPI_MCA_plm", "^rsh", 1);
    EXPECT("launch", FLO_LEVEL_OK, "alone", "Open MPI 4.1.4");
    setenv("SLURM_NTASKS", "8", 1);
    EXPECT("launch", FLO_LEVEL_WARN, "8 tasks", "srun --mpi=pmix");
}

static void other_programs_and_processors_are_named(void **state)
{
    clinic *const c = *state;
    strcpy(c->rank[3].build, "0.2 (def, float)");
    EXPECT("program", FLO_LEVEL_BAD, "rank 3 on two runs 0.2 (def, float)");
    strcpy(c->rank[3].build, c->rank[0].build);
    strcpy(c->rank[2].blas_core, "SkylakeX");
    EXPECT("blas", FLO_LEVEL_BAD, "SkylakeX on rank 2 on two", "OPENBLAS_CORETYPE");
}

static void threads_of_the_blas_are_told(void **state)
{
    clinic *const c = *state;
    c->rank[0].blas_how = FLO_BLAS_PTHREAD;
    EXPECT("blas", FLO_LEVEL_WARN, "pthread", "openmp");
    c->rank[0].blas_threads = 4;
    EXPECT("blas", FLO_LEVEL_BAD, "4 threads a call");
}

static void too_few_cores_for_the_threads_of_a_rank(void **state)
{
    clinic *const c = *state;
    c->rank[3].cpus = (flo_cpus){{0x20}};
    EXPECT("binding", FLO_LEVEL_BAD, "rank 3 on two: 2 threads share core 5 of 8",
           "--bind-to none");
    setenv("OMP_PROC_BIND", "close", 1);
    EXPECT("binding", FLO_LEVEL_BAD, "unset OMP_PROC_BIND");
    setenv("OMP_PROC_BIND", "false", 1);
    setenv("SLURM_STEP_ID", "0", 1);
    EXPECT("binding", FLO_LEVEL_BAD, "srun -c");
}

/* Each has enough, but they are the same. On another host the same numbers are others.
 */
static void ranks_bound_to_the_same_cores(void **state)
{
    clinic *const c = *state;
    c->rank[0].cpus = c->rank[1].cpus = (flo_cpus){{0x03}};
    EXPECT("binding", FLO_LEVEL_BAD,
           "rank 0 on one and others bound like it: 4 threads share cores 0-1 of 8");
    c->rank[1].cpus = (flo_cpus){{0x06}}; /* half of it is its own */
    EXPECT("binding", FLO_LEVEL_OK, "");
    c->rank[1].cpus = (flo_cpus){{0x0c}};
    c->rank[2].cpus = (flo_cpus){{0x03}};
    EXPECT("binding", FLO_LEVEL_OK, "");
}

static void slurm_keeps_cores_from_the_ranks(void **state)
{
    clinic *const c = *state;
    setenv("SLURM_JOB_ID", "7", 1);
    setenv("SLURM_CPUS_PER_TASK", "4", 1);
    EXPECT("slurm", FLO_LEVEL_OK, "job 7");
    setenv("SLURM_STEP_ID", "0", 1);
    EXPECT("slurm", FLO_LEVEL_OK, "step 0");
    setenv("SLURM_CPUS_PER_TASK", "8", 1);
    EXPECT("slurm", FLO_LEVEL_BAD, "SLURM_CPUS_PER_TASK=8", "may use 4 cores",
           "srun -c $SLURM_CPUS_PER_TASK");
}

static void unbind(clinic *c, int threads, flo_waiting waiting)
{
    for (int rank = 0; rank < RANKS; rank++) {
        c->rank[rank].cpus = (flo_cpus){{0xff}};
        c->rank[rank].threads = threads;
        c->rank[rank].waiting = waiting;
    }
}

static void more_threads_than_cores(void **state)
{
    clinic *const c = *state;
    unbind(c, 4, FLO_WAITING_SPINS);
    EXPECT("cores", FLO_LEVEL_OK, "2 ranks x 4 threads on 8 cores");
    unbind(c, 5, FLO_WAITING_SPINS);
    EXPECT("cores", FLO_LEVEL_BAD, "2 ranks x 5 threads on 8 cores of one",
           "mpi_yield_when_idle=1");
    unbind(c, 5, FLO_WAITING_YIELDS);
    EXPECT("cores", FLO_LEVEL_WARN, "OMP_NUM_THREADS");
    unbind(c, 4, FLO_WAITING_YIELDS);
    c->rank[2].machine.cores_worth = c->rank[3].machine.cores_worth = 7.5;
    EXPECT("cores", FLO_LEVEL_WARN,
           "7.5 cores that the container's limit grants of two");
}

static void other_work_and_slow_ranks_are_named(void **state)
{
    clinic *const c = *state;
    c->rank[2].machine.load = 7;
    EXPECT("load", FLO_LEVEL_WARN, "7.0", "8 cores of two");
    c->rank[2].machine.load = 5;
    c->rank[1].gflops = 69;
    EXPECT("speed", FLO_LEVEL_WARN, "100 Gflop/s", "rank 1 on one 69");
    c->rank[1].gflops = 71;
    EXPECT("speed", FLO_LEVEL_OK, "100 Gflop/s");
}

static void threads_that_differ_or_spin(void **state)
{
    clinic *const c = *state;
    c->rank[3].threads = 1;
    EXPECT("openmp", FLO_LEVEL_WARN, "rank 3 on two 1");
    unbind(c, 2, FLO_WAITING_YIELDS);
    setenv("OMP_WAIT_POLICY", "active", 1);
    EXPECT("openmp", FLO_LEVEL_OK, "2 threads a rank");
    unbind(c, 8, FLO_WAITING_YIELDS);
    flo_environment_check(&c->e, &c->checks);
    assert_int_equal(find(c, "openmp")->level, FLO_LEVEL_WARN);
}

static void ranks_that_share_nothing_are_told(void **state)
{
    clinic *const c = *state;
    EXPECT("sharing", FLO_LEVEL_OK, "4 ranks on 2 hosts: those of a host share", "");
    c->e.sharing = "the ranks of a host cannot share 128 bytes of memory: mmap: why";
    EXPECT("sharing", FLO_LEVEL_WARN, "128 bytes of memory: mmap: why", "as one user");
}

static void slow_messages_are_told(void **state)
{
    clinic *const c = *state;
    c->e.near.seconds = 2e-3;
    EXPECT("messages", FLO_LEVEL_WARN, "2e+03 microseconds", "on one");
    c->e.near.seconds = 1e-6;
    c->e.far.bytes_per_second = 1e8;
    EXPECT("network", FLO_LEVEL_WARN, "to two", "0.1 GB/s", "btl_tcp_if_include");
}

static void copies_that_are_not_allowed(void **state)
{
    clinic *const c = *state;
    c->rank[2].copy_error = EPERM;
    EXPECT("copies", FLO_LEVEL_BAD, "rank 2 on two", "errno = 1",
           "btl_vader_single_copy_mechanism=none");
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 1);
    EXPECT("copies", FLO_LEVEL_OK, "copied twice");
    unsetenv("OMPI_MCA_btl_vader_single_copy_mechanism");
    c->e.library = "MPICH 4.0";
    EXPECT("copies", FLO_LEVEL_OK, "copied twice");
}

static void memory_that_does_not_suffice(void **state)
{
    clinic *const c = *state;
    c->e.needs.memory_bytes = 29e9;
    EXPECT("memory", FLO_LEVEL_OK, "58 GB");
    c->e.needs.memory_bytes = 31e9;
    EXPECT("memory", FLO_LEVEL_WARN, "62 GB", "60 are free");
    c->e.needs.memory_bytes = 33e9;
    EXPECT("memory", FLO_LEVEL_BAD, "66 GB", "data.memory");
    c->e.needs.memory_bytes = 29e9;
    c->rank[2].machine.memory_limit = c->rank[3].machine.memory_limit = 50000000000;
    EXPECT("memory", FLO_LEVEL_BAD, "on two", "cgroup");
}

static void limits_of_a_process(void **state)
{
    clinic *const c = *state;
    flo_machine *const m = &c->rank[0].machine;
    m->open_files = 255;
    EXPECT("ulimit -n", FLO_LEVEL_BAD, "255 open files");
    m->open_files = 256;
    m->address_space = 10000000000;
    EXPECT("ulimit -v", FLO_LEVEL_WARN, "10 GB");
    m->address_space = 1000000000;
    EXPECT("ulimit -v", FLO_LEVEL_BAD, "1 GB");
    m->address_space = INT64_MAX;
    m->file_size = 5000000;
    EXPECT("ulimit -f", FLO_LEVEL_WARN, "5 MB");
    c->e.needs.checkpoint_bytes = 6e6;
    EXPECT("ulimit -f", FLO_LEVEL_BAD, "5 MB");
    m->file_size = INT64_MAX;
    c->rank[3].machine.shared_free = 30 << 20;
    EXPECT("/dev/shm", FLO_LEVEL_BAD, "on two", "--shm-size");
}

static void directories_that_will_not_do(void **state)
{
    clinic *const c = *state;
    flo_directory_probe *const d = &c->e.directory;
    d->failed = "write";
    d->error = ENOSPC;
    EXPECT("directory", FLO_LEVEL_BAD, "runs on xfs", "write", "make room");
    d->failed = NULL;
    d->locks = false;
    EXPECT("directory", FLO_LEVEL_WARN, "no file locks", "-o flock");
    d->locks = true;
    d->system = "tmpfs";
    EXPECT("directory", FLO_LEVEL_WARN, "tmpfs", "on a disk");
    d->system = "nfs";
    d->flush_seconds = 3;
    EXPECT("directory", FLO_LEVEL_WARN, "3 s to flush", "checkpoint.every");
}

static void configs_and_their_disk(void **state)
{
    clinic *const c = *state;
    c->e.needs = (flo_needs){.config = "a.yaml", .checkpoint_bytes = 1e9, .keep = 3};
    EXPECT("config", FLO_LEVEL_OK, "a.yaml: 4 ranks x 2 threads");
    c->e.directory.free_bytes = 5200000000; /* 3 kept, the best, one on its way */
    EXPECT("disk", FLO_LEVEL_OK, "5.2 GB");
    c->e.directory.free_bytes = 5000000000;
    EXPECT("disk", FLO_LEVEL_BAD, "5 checkpoints of 1 GB", "checkpoint.keep");
    c->e.directory.free_bytes = 5200000000;
    c->e.needs.failure = "no such file";
    EXPECT("config", FLO_LEVEL_BAD, "no such file");
}

static void hdf5_without_zlib(void **state)
{
    clinic *const c = *state;
    EXPECT("hdf5", FLO_LEVEL_OK, "1.10.8", "HDF5_USE_FILE_LOCKING is not set");
    c->e.hdf5.deflate = false;
    EXPECT("hdf5", FLO_LEVEL_WARN, "gzip");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_environment_passes),
        TEST(a_failed_start_is_told),
        TEST(one_process_where_several_were_meant),
        TEST(other_programs_and_processors_are_named),
        TEST(threads_of_the_blas_are_told),
        TEST(too_few_cores_for_the_threads_of_a_rank),
        TEST(ranks_bound_to_the_same_cores),
        TEST(slurm_keeps_cores_from_the_ranks),
        TEST(more_threads_than_cores),
        TEST(other_work_and_slow_ranks_are_named),
        TEST(threads_that_differ_or_spin),
        TEST(ranks_that_share_nothing_are_told),
        TEST(slow_messages_are_told),
        TEST(copies_that_are_not_allowed),
        TEST(memory_that_does_not_suffice),
        TEST(limits_of_a_process),
        TEST(directories_that_will_not_do),
        TEST(configs_and_their_disk),
        TEST(hdf5_without_zlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
