/* flotilla sample: draws rows from a model, into a file. */
#include "cli/verbs.h"

#include "comm/watch.h"
#include "train/generate.h"
#include "train/loaded.h"

enum { FORCE = 256, SEED, TEMPERATURE, CONTEXT };

typedef struct input {
    const char *model, *output, *conditions;
    int64_t count, seed;
    double temperature;
    bool force;
} input;

static const struct argp_option options[] = {
    {"number", 'n', "N", 0, "samples to draw", 0},
    {"output", 'o', "OUT.h5", 0, "file to write: data set samples [N, D]", 0},
    {"seed", SEED, "S", 0, "seed (1): the same seed gives the same samples", 0},
    {"temperature", TEMPERATURE, "T", 0,
     "scales the spread of the base density (1): of a mixture, that of its components",
     0},
    {"context", CONTEXT, "FILE:dataset", 0, "row i conditions sample i", 0},
    {"force", FORCE, 0, 0, "replace OUT.h5 if it exists", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    switch (key) {
    case 'n':
        return flo_cli_integer(state, "-n", argument, 1, &in->count);
    case 'o':
        return flo_cli_output(state, argument, &in->output);
    case SEED:
        return flo_cli_integer(state, "--seed", argument, 0, &in->seed);
    case TEMPERATURE:
        return flo_cli_number(state, "--temperature", argument, &in->temperature);
    case CONTEXT:
        in->conditions = argument;
        return 0;
    case FORCE:
        in->force = true;
        return 0;
    case ARGP_KEY_ARG:
        if (in->model)
            return flo_cli_refuse(state, "found a second MODEL \"%s\", wanted one",
                                  argument);
        in->model = argument;
        return 0;
    case ARGP_KEY_END:
        if (!in->model || !in->output || in->count < 1)
            return flo_cli_refuse(state, "wanted MODEL -n N -o OUT.h5");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The conditions must be as many as the samples, and of the model's context columns. */
static flo_status open_conditions(const flo_call *call, const flo_loaded *loaded,
                                  const input *in, flo_rows **rows)
{
    const int64_t C = loaded->flow->context;
    if (!in->conditions && !C)
        return FLO_OK;
    if (!in->conditions || !C)
        return flo_fail(call->context, FLO_ERROR_USAGE,
                        "%s has %lld context columns: %s", loaded->path, (long long)C,
                        C ? "give a row of them for every sample with --context "
                            "FILE:dataset"
                          : "--context has no use");
    FLO_TRY(flo_rows_open_file(call->context, in->conditions, NULL, rows));
    if (flo_rows_features(*rows) == C && flo_rows_count(*rows) >= in->count)
        return FLO_OK;
    return flo_fail(
        call->context, FLO_ERROR_DATA,
        "%s: found %lld rows of %lld columns, wanted at least %lld rows of the "
        "%lld context columns of %s",
        in->conditions, (long long)flo_rows_count(*rows),
        (long long)flo_rows_features(*rows), (long long)in->count, (long long)C,
        loaded->path);
}

static flo_status sample(const flo_call *call, flo_arena *arena, const input *in)
{
    flo_loaded loaded;
    flo_rows *conditions = NULL;
    char *source = NULL;
    FLO_TRY(flo_loaded_read(call->comm, arena, in->model, &loaded));
    flo_watch_at(call->comm, FLO_PHASE_SAMPLES, 0);
    flo_status status = open_conditions(call, &loaded, in, &conditions);
    if (status == FLO_OK)
        status = flo_arena_print(arena, &source, "flotilla sample %s --seed %lld",
                                 loaded.path, (long long)in->seed);
    status = flo_comm_agree(call->comm, call->context, status);
    const flo_generation task = {.seed = (uint64_t)in->seed,
                                 .count = in->count,
                                 .temperature = in->temperature,
                                 .conditions = conditions,
                                 .path = in->output,
                                 .force = in->force,
                                 .source = source};
    if (status == FLO_OK)
        status = flo_generate(call->comm, call->context, loaded.flow, loaded.tiles,
                              loaded.theta, &task);
    if (status == FLO_OK && flo_cli_speaks(call))
        fprintf(stderr, "wrote %lld samples to %s\n", (long long)in->count, in->output);
    flo_rows_close(&conditions);
    return status;
}

flo_status flo_verb_sample(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "MODEL",
        "Draws samples from MODEL, in the data's own units. A set of N samples is a "
        "prefix "
        "of a larger set of the same seed, on any number of ranks.",
        0,
        0,
        0};
    input in = {.seed = 1, .temperature = 1};
    flo_arena *arena;
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    FLO_TRY(flo_arena_create(call->context, &arena));
    const flo_status status = sample(call, arena, &in);
    flo_arena_destroy(&arena);
    return status;
}
