/* What the verbs share: parsing that prints once. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool flo_cli_speaks(const flo_call *call)
{
    return flo_comm_rank(call->comm) == 0;
}

/* Every parse is ARGP_NO_EXIT, and silent on all ranks but the first. */
void flo_cli_parse(const flo_call *call, const struct argp *argp, void *input,
                   bool *go_on, int *exit_code)
{
    unsigned flags = ARGP_NO_EXIT;
    bool help = false;
    for (int i = 1; i < call->argc; i++)
        help |= strcmp(call->argv[i], "--help") == 0 ||
                strcmp(call->argv[i], "-?") == 0 ||
                strcmp(call->argv[i], "--usage") == 0;
    if (!flo_cli_speaks(call))
        flags |= ARGP_NO_ERRS;
    if (help) {
        if (flo_cli_speaks(call))
            argp_help(argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK,
                      call->argv[0]);
        *go_on = false;
        return;
    }
    const error_t error = argp_parse(argp, call->argc, call->argv, flags, NULL, input);
    *go_on = error == 0;
    if (error)
        *exit_code = FLO_EXIT_USAGE;
}

error_t flo_cli_refuse(const struct argp_state *state, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    argp_error(state, "%s", text);
    return EINVAL;
}

error_t flo_cli_integer(const struct argp_state *state, const char *option,
                        const char *text, int64_t least, int64_t *value)
{
    char *end;
    errno = 0;
    const double number = strtod(text, &end);
    if (errno || end == text || *end || !(number >= (double)least && number <= 9e15) ||
        number != (double)(int64_t)number)
        return flo_cli_refuse(state,
                              "%s: found \"%s\", wanted a whole number from %lld",
                              option, text, (long long)least);
    *value = (int64_t)number;
    return 0;
}

error_t flo_cli_number(const struct argp_state *state, const char *option,
                       const char *text, double *value)
{
    char *end;
    errno = 0;
    const double number = strtod(text, &end);
    if (errno || end == text || *end || !(number > 0) || number > 1e15)
        return flo_cli_refuse(state, "%s: found \"%s\", wanted a number above 0",
                              option, text);
    *value = number;
    return 0;
}

/* What ends like this would be taken for what it is not. */
static bool is_other_format(const char *path)
{
    static const char *const other[] = {"csv",  "tsv",  "txt",     "dat", "json",
                                        "npy",  "npz",  "parquet", "pkl", "pickle",
                                        "fits", "xlsx", "gz",      "zip", "feather"};
    const char *const dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof other / sizeof *other; i++)
        if (strcasecmp(dot + 1, other[i]) == 0)
            return true;
    return false;
}

error_t flo_cli_output(const struct argp_state *state, char *text, const char **path)
{
    *path = text;
    if (strcmp(text, "-") == 0 || !*text || is_other_format(text))
        return flo_cli_refuse(state,
                              "-o: found \"%s\", wanted the name of an HDF5 file, like "
                              "out.h5: no other format is written, and nothing to "
                              "standard output",
                              text);
    return 0;
}
