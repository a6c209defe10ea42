/* flotilla logprob: the log-density of every row, into a file. */
#include "cli/verbs.h"

#include "comm/watch.h"
#include "data/rows_place.h"
#include "run/json.h"
#include "train/evaluate.h"
#include "train/loaded.h"

enum { FORCE = 256, JSON, DRAWS, TEXT_BYTES = 8192 };

typedef struct input {
    const char *model, *data, *output;
    bool force, json;
    int64_t draws; /* 0: those of the run */
} input;

static const struct argp_option options[] = {
    {"output", 'o', "OUT.h5", 0, "file to write: data set log_prob [N], double", 0},
    {"force", FORCE, 0, 0, "replace OUT.h5 if it exists", 0},
    {"json", JSON, 0, 0,
     "print one JSON object: rows, and those without a finite log-density", 0},
    {"draws", DRAWS, "K", 0,
     "of whole numbers (dequantize): draws of noise that a row's score is the mean "
     "density over (report.draws of the run: 128, fewer for more than 16 such columns)",
     0},
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
    case JSON:
        in->json = true;
        return 0;
    case DRAWS:
        return flo_cli_integer(state, "--draws", argument, 1, &in->draws);
    case ARGP_KEY_ARG:
        if (in->data)
            return flo_cli_refuse(
                state, "found a third argument \"%s\", wanted MODEL [DATA]", argument);
        *(in->model ? &in->data : &in->model) = argument;
        return 0;
    case ARGP_KEY_END:
        if (!in->model || !in->output)
            return flo_cli_refuse(state, "wanted MODEL [DATA] -o OUT.h5");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void tell(const flo_rows *rows, const input *in, const char *label,
                 const flo_unscored *unscored)
{
    char text[TEXT_BYTES], quoted[TEXT_BYTES];
    const long long count = flo_rows_count(rows);
    fprintf(stderr, "wrote %lld rows to %s: %s\n", count, in->output, label);
    flo_unscored_tell(unscored, rows, text, sizeof text);
    if (*text)
        fprintf(stderr, "%s\n", text);
    flo_unscored_json(unscored, rows, text, sizeof text);
    if (in->json)
        printf("{\"rows\": %lld, \"output\": %s%s}\n", count,
               flo_json_quote(in->output, quoted, sizeof quoted), text);
}

static flo_status logprob(const flo_call *call, flo_arena *arena, const input *in)
{
    flo_loaded loaded;
    flo_rows *rows;
    flo_unscored unscored;
    char *source, label[FLO_MESSAGE_BYTES];
    FLO_TRY(flo_loaded_read(call->comm, arena, in->model, &loaded));
    flo_watch_at(call->comm, FLO_PHASE_SCORING, 0);
    FLO_TRY(flo_loaded_rows(call->comm, arena, &loaded, in->data, &rows));
    flo_rows_keep_bad(rows, true);
    if (in->draws)
        flo_tiles_score(loaded.tiles, in->draws);
    flo_rows_tell(rows, "test", label, sizeof label);
    flo_status status = flo_arena_print(arena, &source, "flotilla logprob %s %s",
                                        loaded.path, in->data ? in->data : label);
    status = flo_comm_agree(call->comm, call->context, status);
    if (status == FLO_OK)
        status =
            flo_log_prob_to_file(call->comm, call->context, loaded.tiles, loaded.theta,
                                 rows, in->output, in->force, source, &unscored);
    if (status == FLO_OK && flo_cli_speaks(call))
        tell(rows, in, label, &unscored);
    flo_rows_close(&rows);
    return status;
}

flo_status flo_verb_logprob(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "MODEL [DATA]",
        "Writes the log-density, in nats, of every row of DATA (FILE[:dataset]) under "
        "MODEL: the lowest are the anomalies. Without DATA: of the test set of the "
        "run. Where the rows are a part of a file, or of several, data sets row and "
        "file say which. A row outside of what the model takes has probability zero, "
        "-inf; one with missing values NaN.",
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
