/* Detection of the launcher by the environment it leaves. */
#include "comm/launch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const variables[] = {
    "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",    "PMI_RANK",     "PMI_SIZE",
    "OMPI_COMM_WORLD_RANK", "SLURM_JOB_ID", "SLURM_PROCID", "SLURM_STEP_ID",
    "SLURM_STEP_NUM_TASKS"};

enum { VARIABLES = sizeof variables / sizeof variables[0], MOST_SET = 4 };

typedef struct row {
    const char *set[MOST_SET][2]; /* name, value; ends at NULL */
    bool launched;
    int64_t tasks;
    flo_status status;
} row;

static const row rows[] = {
    {{{NULL}}, false, 0, FLO_OK}, /* a login node */
    /* a shell in an allocation, and one in an interactive step */
    {{{"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}}, false, 0, FLO_OK},
    {{{"SLURM_STEP_ID", "4294967290"}, {"SLURM_STEP_NUM_TASKS", "1"}},
     false,
     0,
     FLO_OK},
    /* mpirun on three hosts of an allocation: its daemons are a step of three tasks */
    {{{"OMPI_COMM_WORLD_SIZE", "12"},
      {"PMIX_RANK", "0"},
      {"SLURM_STEP_NUM_TASKS", "3"}},
     true,
     12,
     FLO_OK},
    {{{"PMIX_RANK", "0"}, {"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}},
     true,
     0,
     FLO_OK},                                                  /* srun --mpi=pmix */
    {{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}, true, 2, FLO_OK}, /* mpiexec of MPICH */
    {{{"PMI_SIZE", "2"}}, true, 2, FLO_OK},
    {{{"PMI_SIZE", "many"}}, true, 0, FLO_OK},
    /* srun --mpi=none */
    {{{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}}, false, 0, FLO_ERROR_MPI},
};

static void clear_environment(void)
{
    for (int i = 0; i < VARIABLES; i++)
        assert_int_equal(unsetenv(variables[i]), 0);
}

static void every_environment_is_read_right(void **state)
{
    (void)state;
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clear_environment();
        for (int j = 0; j < MOST_SET && rows[i].set[j][0]; j++)
            assert_int_equal(setenv(rows[i].set[j][0], rows[i].set[j][1], 1), 0);
        flo_launch launch;
        assert_int_equal(flo_launch_find(context, &launch), rows[i].status);
        assert_int_equal(launch.launched, rows[i].launched);
        assert_int_equal(launch.tasks, rows[i].tasks);
        assert_true(!launch.variable == (launch.tasks == 0));
    }
    clear_environment();
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void tasks_that_would_run_alone_are_told_what_to_do(void **state)
{
    (void)state;
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    clear_environment();
    assert_int_equal(setenv("SLURM_STEP_NUM_TASKS", "4", 1), 0);
    flo_launch launch;
    assert_int_equal(flo_launch_find(context, &launch), FLO_ERROR_MPI);
    const char *const message = flo_context_message(context);
    assert_non_null(strstr(message, "SLURM_STEP_NUM_TASKS"));
    assert_non_null(strstr(message, "4 tasks"));
    assert_non_null(strstr(message, "srun --mpi=pmix"));
    clear_environment();
    assert_int_equal(flo_context_destroy(&context), 0);
}

/* Who started this process, and which of several it is, before MPI can tell. */
static void the_launcher_and_its_rank_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *set[MOST_SET][2];
        int64_t rank;
        const char *name;
    } cases[] = {
        {{{NULL}}, 0, "no launcher"},
        {{{"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}}, 0, "no launcher"},
        {{{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "3"}},
         3,
         "mpirun of Open MPI"},
        {{{"PMIX_RANK", "2"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}},
         2,
         "srun with PMIx"},
        {{{"PMIX_RANK", "0"}, {"SLURM_PROCID", "5"}}, 0, "a launcher with PMIx"},
        {{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}, 1, "mpiexec of MPICH or its kin"},
        {{{"PMI_RANK", "1"}, {"SLURM_STEP_ID", "0"}}, 1, "srun with PMI"},
        {{{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "6"}}, 6, "srun without PMI"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clear_environment();
        for (int j = 0; j < MOST_SET && cases[i].set[j][0]; j++)
            assert_int_equal(setenv(cases[i].set[j][0], cases[i].set[j][1], 1), 0);
        assert_int_equal(flo_launch_rank(), cases[i].rank);
        assert_string_equal(flo_launch_name(), cases[i].name);
    }
    clear_environment();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_environment_is_read_right),
        cmocka_unit_test(the_launcher_and_its_rank_are_told),
        cmocka_unit_test(tasks_that_would_run_alone_are_told_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
