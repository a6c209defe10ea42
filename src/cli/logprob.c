/* flotilla logprob: the log-density of every row, into a file. */
#include "cli/verbs.h"

#include "comm/watch.h"
#include "train/evaluate.h"
#include "train/loaded.h"

enum { FORCE = 256 };

typedef struct input {
    const char *model, *data, *output;
    bool force;
} input;

static const struct argp_option options[] = {
    {"output", 'o', "OUT.h5", 0, "file to write: data set log_prob [N], double", 0},
    {"force", FORCE, 0, 0, "replace OUT.h5 if it exists", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    switch (key) {
    case 'o':
        return flo_cli_output(state, argument, &in->output);
    case FORCE:
        in->force = true;
        return 0;
    case ARGP_KEY_ARG:
        if (in->data)
            return flo_cli_refuse(
                state, "found a third argument \"%s\", wanted MODEL DATA", argument);
        *(in->model ? &in->data : &in->model) = argument;
        return 0;
    case ARGP_KEY_END:
        if (!in->data || !in->output)
            return flo_cli_refuse(state, "wanted MODEL DATA -o OUT.h5");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static flo_status logprob(const flo_call *call, flo_arena *arena, const input *in)
{
    flo_loaded loaded;
    flo_rows *rows;
    char *source;
    FLO_TRY(flo_loaded_read(call->comm, arena, in->model, &loaded));
    flo_watch_at(call->comm, FLO_PHASE_SCORING, 0);
    FLO_TRY(flo_loaded_rows(call->comm, arena, &loaded, in->data, &rows));
    flo_status status = flo_arena_print(arena, &source, "flotilla logprob %s %s",
                                        loaded.path, in->data);
    status = flo_comm_agree(call->comm, call->context, status);
    if (status == FLO_OK)
        status =
            flo_log_prob_to_file(call->comm, call->context, loaded.tiles, loaded.theta,
                                 rows, in->output, in->force, source);
    if (status == FLO_OK && flo_cli_speaks(call))
        fprintf(stderr, "wrote %lld rows to %s\n", (long long)flo_rows_count(rows),
                in->output);
    flo_rows_close(&rows);
    return status;
}

flo_status flo_verb_logprob(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "MODEL DATA",
        "Writes the log-density, in nats, of every row of DATA (FILE[:dataset]) under "
        "MODEL: the lowest are the anomalies.",
        0,
        0,
        0};
    input in = {.model = NULL};
    flo_arena *arena;
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    FLO_TRY(flo_arena_create(call->context, &arena));
    const flo_status status = logprob(call, arena, &in);
    flo_arena_destroy(&arena);
    return status;
}
