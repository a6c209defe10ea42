/* The communicator without a launcher: one process, and how a job ends. What ends the
   process runs in a child. */
#include "comm/comm_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { TEXT_BYTES = 8192, SURVIVED = 99 };

static void clear_environment(void)
{
    static const char *const variables[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK",
                                            "PMI_RANK", "PMI_SIZE",
                                            "SLURM_STEP_NUM_TASKS"};
    for (int i = 0; i < 5; i++)
        assert_int_equal(unsetenv(variables[i]), 0);
}

/* Runs `body` in a child; what it prints to stderr goes to text [TEXT_BYTES]. Returns
   its exit code, or -1 where a signal killed it. */
static int in_child(void body(void), char *text)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body();
        _exit(SURVIVED);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t more;
    char part[512];
    while ((more = read(ends[0], part, sizeof part)) > 0)
        for (ssize_t i = 0; i < more && used + 1 < TEXT_BYTES; i++)
            text[used++] = part[i];
    text[used] = '\0';
    close(ends[0]);
    int status;
    assert_true(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static flo_comm *start_alone(flo_context **context)
{
    if (flo_context_create(context) != FLO_OK)
        abort();
    flo_comm *comm;
    if (flo_comm_start(*context, NULL, NULL, &comm) != FLO_OK)
        abort();
    return comm;
}

static void without_a_launcher_there_is_no_mpi(void **state)
{
    (void)state;
    clear_environment();
    flo_context *context;
    flo_comm *comm = start_alone(&context);
    int is_started;
    MPI_Initialized(&is_started);
    assert_false(is_started);
    assert_int_equal(flo_comm_rank(comm), 0);
    assert_int_equal(flo_comm_size(comm), 1);
    assert_string_equal(flo_comm_library(comm), "none");
    flo_comm_finish(&comm);
    assert_null(comm);
    flo_comm_finish(&comm);
    assert_int_equal(flo_context_destroy(&context), 0);
}

/* Where MPI failed to start, a program can go on without, and say which MPI it was. */
static void a_failed_start_leaves_a_process_alone(void **state)
{
    (void)state;
    clear_environment();
    flo_context *context;
    flo_comm *comm;
    char name[64];
    assert_int_equal(setenv("SLURM_STEP_NUM_TASKS", "4", 1), 0);
    assert_int_equal(flo_context_create(&context), FLO_OK);
    assert_int_equal(flo_comm_start(context, NULL, NULL, &comm), FLO_ERROR_MPI);
    assert_int_equal(flo_comm_start_alone(context, &comm), FLO_OK);
    assert_int_equal(flo_comm_size(comm), 1);
    assert_string_equal(flo_comm_library(comm), "none");
    flo_comm_built_with(name, sizeof name);
    const size_t number = strcspn(name, "0123456789");
    assert_true(number > 2 && name[number] != '\0' && name[number - 1] == ' ');
    assert_null(strpbrk(name, ",:\n\t"));
    flo_comm_finish(&comm);
    assert_int_equal(flo_context_destroy(&context), 0);
    clear_environment();
}

static void alone_every_collective_keeps_the_values(void **state)
{
    (void)state;
    clear_environment();
    flo_context *context;
    flo_comm *comm = start_alone(&context);
    double value = 3, copy = 0;
    int64_t integer = 5;
    char text[] = "text", *same_text = text;
    flo_comm_share(comm, &value, 1);
    flo_comm_minimum(comm, &value, 1);
    flo_comm_maximum(comm, &value, 1);
    flo_comm_sum_integers(comm, &integer, 1);
    flo_comm_broadcast(comm, &value, (int64_t)sizeof value);
    flo_comm_gather_doubles(comm, &value, 1, &copy);
    flo_comm_barrier(comm);
    assert_int_equal(flo_comm_broadcast_text(comm, context, &same_text), FLO_OK);
    assert_true(same_text == text && value == 3 && copy == 3 && integer == 5);
    assert_true(flo_comm_same(comm, 7));
    assert_int_equal(flo_comm_agree(comm, context, FLO_OK), FLO_OK);
    const flo_status status = flo_fail(context, FLO_ERROR_DATA, "no");
    assert_int_equal(flo_comm_agree(comm, context, status), FLO_ERROR_DATA);
    assert_string_equal(flo_context_message(context), "no");
    flo_comm_finish(&comm);
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void a_failed_allocation_starts_nothing(void **state)
{
    (void)state;
    clear_environment();
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    context->fail_at = 1;
    flo_comm *comm;
    assert_int_equal(flo_comm_start(context, NULL, NULL, &comm), FLO_ERROR_MEMORY);
    assert_null(comm);
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void tasks_of_srun_without_pmi_are_refused(void **state)
{
    (void)state;
    clear_environment();
    assert_int_equal(setenv("SLURM_STEP_NUM_TASKS", "2", 1), 0);
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    flo_comm *comm;
    assert_int_equal(flo_comm_start(context, NULL, NULL, &comm), FLO_ERROR_MPI);
    assert_null(comm);
    assert_non_null(strstr(flo_context_message(context), "srun --mpi=pmix"));
    clear_environment();
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void abort_alone(void)
{
    flo_context *context;
    flo_comm_abort(start_alone(&context), "the reason");
}

static void abort_names_rank_and_reason(void **state)
{
    (void)state;
    clear_environment();
    char text[TEXT_BYTES], host[256] = "";
    assert_int_equal(in_child(abort_alone, text), 1);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_non_null(strstr(text, "rank 0 of 1 on "));
    assert_non_null(strstr(text, host));
    assert_non_null(strstr(text, ": the reason\n"));
}

/* A broadcast from a rank that does not exist: MPI returns an error of ours to report.
 */
static void fail_in_mpi(void)
{
    flo_context *context;
    flo_comm *const comm = start_alone(&context);
    int value = 0;
    flo_comm_check(comm, MPI_Bcast(&value, 1, MPI_INT, 0, comm->world), "MPI_Bcast");
    flo_comm_check(comm, MPI_Bcast(&value, 1, MPI_INT, 5, comm->world), "MPI_Bcast");
}

static void a_failed_call_of_mpi_ends_the_job_and_is_named(void **state)
{
    (void)state;
    clear_environment();
    assert_int_equal(setenv("PMI_RANK", "0", 1), 0);
    char text[TEXT_BYTES];
    const int code = in_child(fail_in_mpi, text);
    clear_environment();
    assert_int_equal(code, 1);
    assert_non_null(strstr(text, "rank 0 of 1 on "));
    assert_non_null(strstr(text, "MPI_Bcast failed"));
    assert_non_null(strcasestr(text, "root")); /* the words are each MPI's own */
}

/* A program of one MPI under the mpirun of another: the launcher says two, MPI one. */
static void start_under_another_mpirun(void)
{
    flo_context *context;
    flo_comm *comm;
    if (flo_context_create(&context) != FLO_OK ||
        flo_comm_start(context, NULL, NULL, &comm) != FLO_ERROR_MPI || comm)
        return;
    fprintf(stderr, "%s\n", flo_context_message(context));
    int is_finished;
    MPI_Finalized(&is_finished);
    _exit(is_finished && flo_context_destroy(&context) == 0 ? 0 : 2);
}

static void the_mpirun_of_another_mpi_is_noticed(void **state)
{
    (void)state;
    clear_environment();
    assert_int_equal(setenv("PMI_SIZE", "2", 1), 0);
    char text[TEXT_BYTES];
    const int code = in_child(start_under_another_mpirun, text);
    clear_environment();
    assert_int_equal(code, 0);
    assert_non_null(
        strstr(text, "PMI_SIZE says that 2 tasks were started, MPI sees 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_launcher_there_is_no_mpi),
        cmocka_unit_test(a_failed_start_leaves_a_process_alone),
        cmocka_unit_test(alone_every_collective_keeps_the_values),
        cmocka_unit_test(a_failed_allocation_starts_nothing),
        cmocka_unit_test(tasks_of_srun_without_pmi_are_refused),
        cmocka_unit_test(abort_names_rank_and_reason),
        cmocka_unit_test(a_failed_call_of_mpi_ends_the_job_and_is_named),
        cmocka_unit_test(the_mpirun_of_another_mpi_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
