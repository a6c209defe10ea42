/* flotilla rows: rows of a run's data as its flow gets them, into a file. */
#include "cli/verbs.h"

#include "comm/watch.h"
#include "train/excerpt.h"
#include "train/loaded.h"

#include <string.h>

enum { FORCE = 256, SPLIT, MOST = 20000 };

typedef struct input {
    const char *model, *data, *output, *split;
    int64_t most;
    bool force;
} input;

static const char *const splits[FLO_SPLITS] = {"train", "validation", "test"};

static const struct argp_option options[] = {
    {"output", 'o', "OUT.h5", 0,
     "file to write: x [n, D], context [n, C], weight [n], and row [n], the number of "
     "each row in its file",
     0},
    {"number", 'n', "N", 0,
     "rows (20000), evenly spaced over all there are; held in memory", 0},
    {"split", SPLIT, "SPLIT", 0,
     "train, validation or test; else test, or what the run has of validation, train",
     0},
    {"force", FORCE, 0, 0, "replace OUT.h5 if it exists", 0},
    {0}};

static int find_split(const char *name)
{
    int split = 0;
    while (split < FLO_SPLITS && strcmp(name, splits[split]) != 0)
        split++;
    return split;
}

static error_t check(const struct argp_state *state, const input *in)
{
    if (!in->model || !in->output)
        return flo_cli_refuse(state, "wanted MODEL [DATA] -o OUT.h5");
    if (in->data && in->split)
        return flo_cli_refuse(state, "found DATA and --split, wanted one of them: "
                                     "--split is of the run's own data");
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    switch (key) {
    case 'o':
        return flo_cli_output(state, argument, &in->output);
    case 'n':
        return flo_cli_integer(state, "-n", argument, 1, &in->most);
    case SPLIT:
        in->split = argument;
        if (find_split(argument) < FLO_SPLITS)
            return 0;
        return flo_cli_refuse(
            state, "--split: found \"%s\", wanted train, validation or test", argument);
    case FORCE:
        in->force = true;
        return 0;
    case ARGP_KEY_ARG:
        if (in->data)
            return flo_cli_refuse(
                state, "found a third argument \"%s\", wanted MODEL [DATA]", argument);
        *(in->model ? &in->data : &in->model) = argument;
        return 0;
    case ARGP_KEY_END:
        return check(state, in);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The split that is asked for, or the first of test, validation, train that the run
   has. */
static int choose_split(const flo_data_settings *settings, const char *name)
{
    if (name)
        return find_split(name);
    return settings->test         ? FLO_TEST
           : settings->validation ? FLO_VALIDATION
                                  : FLO_TRAIN;
}

/* A split of the run's own data, as training opens it. */
static flo_status open_split(flo_arena *arena, const flo_loaded *loaded,
                             const char **split, flo_rows **rows)
{
    flo_context *const context = flo_arena_context(arena);
    flo_data_settings settings;
    flo_node *const section = flo_node_find(loaded->config, "data");
    if (!section)
        return flo_fail(context, FLO_ERROR_USAGE,
                        "%s: its run has no data, wanted DATA on the command line: "
                        "FILE[:dataset]",
                        loaded->path);
    FLO_TRY(flo_settings_read(arena, loaded->config, section, &flo_data_settings_table,
                              &settings));
    const int which = choose_split(&settings, *split);
    *split = splits[which];
    return flo_rows_open(context, &settings, loaded->flow->seed, (flo_split)which,
                         rows);
}

static flo_status open_rows(const flo_call *call, flo_arena *arena, const input *in,
                            const char **split, flo_rows **rows)
{
    flo_loaded loaded;
    *rows = NULL;
    FLO_TRY(flo_loaded_read(call->comm, arena, in->model, &loaded));
    flo_watch_at(call->comm, FLO_PHASE_SCORING, 0);
    *split = in->data ? "data" : in->split;
    if (in->data)
        return flo_loaded_rows(call->comm, arena, &loaded, in->data, rows);
    const flo_status status = open_split(arena, &loaded, split, rows);
    return flo_comm_agree(call->comm, call->context, status);
}

/* Rank 0 reads and writes: what is for a picture is little. */
static flo_status write_rows(const flo_call *call, const input *in, const char *split,
                             flo_rows *rows)
{
    const flo_excerpt excerpt = {in->most, split, in->output, in->force};
    int64_t written = 0;
    flo_status status = FLO_OK;
    if (flo_cli_speaks(call))
        status = flo_excerpt_write(call->context, rows, &excerpt, &written);
    status = flo_comm_agree(call->comm, call->context, status);
    if (status == FLO_OK && flo_cli_speaks(call))
        fprintf(stderr, "wrote %lld of %lld rows to %s\n", (long long)written,
                (long long)flo_rows_count(rows), in->output);
    return status;
}

flo_status flo_verb_rows(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "MODEL [DATA]",
        "Writes rows as MODEL's flow gets them, in the data's own units: columns, "
        "context and weights by the data settings of its run, without the rows that "
        "are dropped. Of DATA (FILE[:dataset]), or of a split of the run's own data.",
        0,
        0,
        0};
    input in = {.most = MOST};
    flo_arena *arena;
    flo_rows *rows = NULL;
    const char *split = NULL;
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    FLO_TRY(flo_arena_create(call->context, &arena));
    flo_status status = open_rows(call, arena, &in, &split, &rows);
    if (status == FLO_OK)
        status = write_rows(call, &in, split, rows);
    flo_rows_close(&rows);
    flo_arena_destroy(&arena);
    return status;
}
