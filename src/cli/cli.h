/* The command line: a table of verbs, and what they share. */
#ifndef FLO_CLI_CLI_H
#define FLO_CLI_CLI_H

#include "comm/comm.h"

#include <argp.h>
#include <stdio.h>

enum {
    FLO_EXIT_DONE = 0,
    FLO_EXIT_ERROR = 1,
    FLO_EXIT_USAGE = 64,
    FLO_EXIT_STOPPED = 75
};

/* What a verb is run with. */
typedef struct flo_call {
    flo_comm *comm;
    flo_context *context;
    double began_seconds; /* of the clock: when the program started */
    int argc;             /* argv[0] is "flotilla VERB" */
    char **argv;
    const char *start_failure; /* of MPI, for doctor; NULL: none, as for other verbs */
} flo_call;

/* A verb: name, one line of help, and what it does. The exit code is that of the
   process unless the status is an error. */
typedef struct flo_verb {
    const char *name, *help;
    flo_status (*run)(const flo_call *call, int *exit_code);
} flo_verb;

extern const flo_verb flo_verbs[]; /* ends with a name that is NULL */

/* Parses the arguments of a verb, alike on all ranks; help and usage errors are printed
   by rank 0. *go_on is false when nothing is left to do (--help, or a usage error:
   *exit_code is set). Local. */
void flo_cli_parse(const flo_call *call, const struct argp *argp, void *input,
                   bool *go_on, int *exit_code);

/* Whether this rank speaks. */
bool flo_cli_speaks(const flo_call *call);

/* A usage error: what the parser of a verb returns to end the parse. argp_error alone
   prints, and the parse goes on. Local. */
error_t flo_cli_refuse(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A whole number of at least `least`, a decimal number above 0: from the text of an
   option, or a usage error that names the option. Local. */
error_t flo_cli_integer(const struct argp_state *state, const char *option,
                        const char *text, int64_t least, int64_t *value);
error_t flo_cli_number(const struct argp_state *state, const char *option,
                       const char *text, double *value);

/* The file of -o into *path; a usage error where it is "-" (standard output), or ends
   like a file of another format than HDF5, which is all that verbs write. */
error_t flo_cli_output(const struct argp_state *state, char *text, const char **path);

#endif
