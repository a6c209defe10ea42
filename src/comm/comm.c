/* The communicator: how MPI starts and ends, and what happens when a call of it fails.
 */
#include "comm/comm_private.h"
#include "comm/launch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Well below INT_MAX, so that neither counts nor a library's sums of them overflow. */
enum { MOST_ELEMENTS = 1 << 28 };

enum { EXIT_ERROR = 1 };

int flo_comm_rank(const flo_comm *comm)
{
    return comm->rank;
}

int flo_comm_size(const flo_comm *comm)
{
    return comm->size;
}

const char *flo_comm_library(const flo_comm *comm)
{
    return comm->library;
}

void flo_comm_abort(const flo_comm *comm, const char *message)
{
    fprintf(stderr, "flotilla: rank %d of %d on %s: %s\n", comm->rank, comm->size,
            comm->host, message);
    if (comm->has_mpi)
        MPI_Abort(comm->world, EXIT_ERROR);
    _exit(EXIT_ERROR);
}

/* text [MPI_MAX_ERROR_STRING] */
static void error_text(int code, char *text)
{
    int length;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        snprintf(text, MPI_MAX_ERROR_STRING, "error code %d", code);
}

void flo_comm_check(const flo_comm *comm, int code, const char *call)
{
    if (code == MPI_SUCCESS)
        return;
    char text[MPI_MAX_ERROR_STRING];
    error_text(code, text);
    char message[MPI_MAX_ERROR_STRING + 128];
    snprintf(message, sizeof message, "%s failed, the job ends: %s", call, text);
    flo_comm_abort(comm, message);
}

int flo_comm_piece(const flo_comm *comm, int64_t left)
{
    return (int)(left < comm->piece ? left : comm->piece);
}

/* "Open MPI v4.1.4, package: ..." becomes "Open MPI 4.1.4": up to the first comma or
   line's end, white space as single blanks, no `v` or "Version:" before the number. */
static void shorten_library(const char *text, char *name, size_t size)
{
    static const char word[] = "Version:"; /* MPICH's */
    size_t used = 0;
    for (; *text && !strchr(",\n", *text) && used + 1 < size; text++) {
        const bool after_blank = used == 0 || name[used - 1] == ' ';
        const bool is_blank = isspace((unsigned char)*text);
        const bool is_v = *text == 'v' && isdigit((unsigned char)text[1]);
        if (after_blank && (is_blank || is_v))
            continue;
        if (after_blank && strncmp(text, word, sizeof word - 1) == 0) {
            text += sizeof word - 2; /* its last letter; the loop goes on */
            continue;
        }
        name[used++] = is_blank ? ' ' : *text;
    }
    name[used] = '\0';
}

void flo_comm_built_with(char *name, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "an MPI without a name";
    int length;
    MPI_Get_library_version(text, &length); /* also before MPI starts; cannot fail */
    shorten_library(text, name, size);
}

/* From here on errors of MPI are returned to us, which report better than its default;
   the caller's own communicators keep their handlers. */
static void duplicate_world(flo_comm *comm)
{
    flo_comm_check(comm, MPI_Comm_dup(MPI_COMM_WORLD, &comm->world), "MPI_Comm_dup");
    flo_comm_check(comm, MPI_Comm_set_errhandler(comm->world, MPI_ERRORS_RETURN),
                   "MPI_Comm_set_errhandler");
    flo_comm_check(comm, MPI_Comm_rank(comm->world, &comm->rank), "MPI_Comm_rank");
    flo_comm_check(comm, MPI_Comm_size(comm->world, &comm->size), "MPI_Comm_size");
    comm->has_mpi = true;
    flo_hosts_forget(comm);
}

/* Of the calls before the world is duplicated, whose failures are not yet ours to abort
   by. */
static flo_status start_failed(flo_context *context, int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING];
    error_text(code, text);
    return flo_fail(context, FLO_ERROR_MPI,
                    "%s failed: %s; `flotilla doctor` shows how this process was "
                    "launched",
                    call, text);
}

/* Our threads compute while one of them communicates, which MPI_THREAD_SINGLE does not
   allow. */
static flo_status check_threads(flo_context *context)
{
    int level;
    const int code = MPI_Query_thread(&level);
    if (code != MPI_SUCCESS)
        return start_failed(context, code, "MPI_Query_thread");
    if (level < MPI_THREAD_FUNNELED)
        return flo_fail(context, FLO_ERROR_MPI,
                        "MPI gives MPI_THREAD_SINGLE, at least MPI_THREAD_FUNNELED is "
                        "wanted; use an MPI built with threads, or start it by "
                        "MPI_Init_thread");
    return FLO_OK;
}

/* mpirun of one MPI starting a program of another gives n worlds of one rank, each of
   which would train alone. */
static flo_status check_tasks(flo_context *context, const flo_comm *comm,
                              const flo_launch *launch)
{
    if (launch->tasks == 0 || launch->tasks == comm->size)
        return FLO_OK;
    return flo_fail(context, FLO_ERROR_MPI,
                    "%s says that %lld tasks were started, MPI sees %d; this flotilla "
                    "is built with %s, start it with the mpirun of that, or with srun "
                    "--mpi=pmix",
                    launch->variable, (long long)launch->tasks, comm->size,
                    comm->library);
}

/* Starts MPI if it is to be started and joins its world; leaves comm alone where there
   is no MPI. */
static flo_status join_world(flo_context *context, int *argc, char ***argv,
                             flo_comm *comm)
{
    int is_started, is_finished;
    MPI_Initialized(&is_started);
    MPI_Finalized(&is_finished);
    if (is_finished)
        return flo_fail(context, FLO_ERROR_MPI,
                        "MPI was finalised before; it starts only once a process");
    flo_launch launch = {.launched = true};
    if (!is_started) {
        FLO_TRY(flo_launch_find(context, &launch));
        if (!launch.launched)
            return FLO_OK;
        flo_launch_bind();
        int level;
        const int code = MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level);
        if (code != MPI_SUCCESS)
            return start_failed(context, code, "MPI_Init_thread");
        comm->started_mpi = true;
    }
    FLO_TRY(check_threads(context));
    duplicate_world(comm);
    flo_comm_built_with(comm->library, sizeof comm->library);
    return check_tasks(context, comm, &launch);
}

flo_status flo_comm_start_alone(flo_context *context, flo_comm **comm_pointer)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **comm_pointer, comm_pointer));
    flo_comm *const comm = *comm_pointer;
    comm->context = context;
    comm->size = 1;
    comm->piece = MOST_ELEMENTS;
    flo_hosts_forget(comm);
    strcpy(comm->library, "none");
    if (gethostname(comm->host, sizeof comm->host - 1) != 0)
        strcpy(comm->host, "an unnamed host");
    return FLO_OK;
}

flo_status flo_comm_start(flo_context *context, int *argc, char ***argv,
                          flo_comm **comm)
{
    FLO_TRY(flo_comm_start_alone(context, comm));
    const flo_status status = join_world(context, argc, argv, *comm);
    if (status != FLO_OK)
        flo_comm_finish(comm);
    return status;
}

void flo_comm_finish(flo_comm **comm_pointer)
{
    flo_comm *const comm = *comm_pointer;
    if (!comm)
        return;
    flo_watch_stop(comm);
    flo_hosts_forget(comm);
    if (comm->has_mpi)
        flo_comm_check(comm, MPI_Comm_free(&comm->world), "MPI_Comm_free");
    comm->has_mpi = false;
    if (comm->started_mpi)
        flo_comm_check(comm, MPI_Finalize(), "MPI_Finalize");
    flo_free(comm->context, comm_pointer);
}
