/* flotilla VERB: starts the ranks, finds the verb, prints the one message of a failure.
 */
#include "cli/cli.h"

#include "cli/crash.h"
#include "comm/launch.h"
#include "core/clock.h"
#include "core/context.h"
#include "core/version.h"
#include "hdf5/inside.h"
#include "linalg/products.h"

#include <stdlib.h>
#include <string.h>

static void print_help(FILE *out)
{
    fprintf(out,
            "Usage: flotilla VERB [ARGUMENTS]\n\n"
            "Trains normalizing flows on many MPI ranks; scores rows; draws samples.\n"
            "Every verb runs alone or under mpirun or srun.\n\nVerbs:\n");
    for (const flo_verb *verb = flo_verbs; verb->name; verb++)
        fprintf(out, "  %-10s %s\n", verb->name, verb->help);
    fprintf(out,
            "\n`flotilla VERB --help` tells the arguments of a verb.\n"
            "Exit codes: 0 done, 75 stopped early with a checkpoint (run again with "
            "--resume), 64 usage, 1 any other error.\n");
}

static void print_version(const flo_comm *comm)
{
    printf("flotilla %s (%s, %s)\nMPI: %s\nBLAS: %s, core %s\n", FLO_VERSION,
           FLO_COMMIT, FLO_REAL_NAME, flo_comm_library(comm), flo_blas_library(),
           flo_blas_start());
}

static const flo_verb *find(const char *name)
{
    for (const flo_verb *verb = flo_verbs; verb->name; verb++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

/* Help, version, or a usage error; *verb is NULL when there is nothing left to do. */
static int choose(const flo_comm *comm, int argc, char **argv, const flo_verb **verb)
{
    const bool speaks = flo_comm_rank(comm) == 0;
    const char *const word = argc > 1 ? argv[1] : "";
    *verb = find(word);
    if (*verb)
        return FLO_EXIT_DONE;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        if (speaks)
            print_help(stdout);
        return FLO_EXIT_DONE;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        if (speaks)
            print_version(comm);
        return FLO_EXIT_DONE;
    }
    if (speaks) {
        if (*word)
            fprintf(stderr, "flotilla: found verb \"%s\", wanted one of these:\n\n",
                    word);
        print_help(stderr);
    }
    return FLO_EXIT_USAGE;
}

static int run(flo_context *context, flo_comm *comm, double began_seconds,
               const char *start_failure, int argc, char **argv)
{
    const flo_verb *verb;
    int code = choose(comm, argc, argv, &verb);
    if (!verb)
        return code;
    char name[64];
    snprintf(name, sizeof name, "flotilla %s", verb->name);
    argv[1] = name;
    const flo_call call = {.comm = comm,
                           .context = context,
                           .began_seconds = began_seconds,
                           .argc = argc - 1,
                           .argv = argv + 1,
                           .start_failure = start_failure};
    const flo_status status = verb->run(&call, &code);
    if (status == FLO_OK)
        return code;
    if (flo_comm_rank(comm) == 0)
        fprintf(stderr, "flotilla %s: %s\n", verb->name, flo_context_message(context));
    return FLO_EXIT_ERROR;
}

/* Finishes; returns the exit code. */
static int finish(flo_context **context, flo_comm **comm, int code)
{
    const int rank = flo_comm_rank(*comm);
    flo_comm_finish(comm);
    const int64_t leaked = flo_context_destroy(context);
    if (leaked && getenv("FLOTILLA_CHECK_LEAKS")) {
        fprintf(stderr, "flotilla: rank %d: %lld allocations were never freed\n", rank,
                (long long)leaked);
        code = FLO_EXIT_ERROR;
    }
    return code;
}

/* What keeps MPI from starting is one of doctor's findings. Each process is alone then:
   the launcher's first speaks, and its exit code is the job's, for the launcher would
   end it in mid-sentence if another failed before. */
static int examine_failed_start(flo_context *context, double began_seconds, int argc,
                                char **argv)
{
    char failure[FLO_MESSAGE_BYTES];
    flo_comm *comm;
    snprintf(failure, sizeof failure, "%s", flo_context_message(context));
    if (flo_comm_start_alone(context, &comm) != FLO_OK)
        return FLO_EXIT_ERROR;
    const int code = flo_launch_rank() == 0
                         ? run(context, comm, began_seconds, failure, argc, argv)
                         : FLO_EXIT_DONE;
    return finish(&context, &comm, code);
}

int main(int argc, char **argv)
{
    const double began_seconds = flo_seconds();
    flo_context *context;
    flo_comm *comm;
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    flo_cli_catch_crashes();
    flo_hdf5_skip_exit();
    if (flo_context_create(&context) != FLO_OK)
        return FLO_EXIT_ERROR;
    if (flo_comm_start(context, &argc, &argv, &comm) != FLO_OK) {
        if (argc > 1 && strcmp(argv[1], "doctor") == 0)
            return examine_failed_start(context, began_seconds, argc, argv);
        fprintf(stderr, "flotilla: %s\n", flo_context_message(context));
        return FLO_EXIT_ERROR;
    }
    return finish(&context, &comm, run(context, comm, began_seconds, NULL, argc, argv));
}
