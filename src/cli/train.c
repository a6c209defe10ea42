/* flotilla train: fits a flow as a config says, or goes on with it. */
#include "cli/verbs.h"

#include "run/signals.h"
#include "train/train.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_OVERRIDES = 256, RESUME = 256, FRESH, CHECK, INIT, KEEP, SET, MAX_SECONDS };

typedef struct input {
    flo_train_options options;
    const char *overrides[MOST_OVERRIDES];
    bool resume, fresh;
} input;

static const struct argp_option options[] = {
    {"resume", RESUME, 0, 0,
     "go on from the newest checkpoint; starts when there is none", 0},
    {"fresh", FRESH, 0, 0, "move an old run of the directory aside and start over", 0},
    {"check", CHECK, 0, 0, "read config and data, print what would be done, and stop",
     0},
    {"init", INIT, "MODEL", 0,
     "start from the parameters of another run; preprocessing is fitted to this data",
     0},
    {"init-keep-preprocess", KEEP, 0, 0,
     "with --init: keep the model's preprocessing too, for data like its own, or for a "
     "part too small to fit it to",
     0},
    {"set", SET, "KEY=VALUE", 0,
     "override a setting: train.steps=100, flow.layers[0].layers[2].width=64", 0},
    {"max-seconds", MAX_SECONDS, "S", 0,
     "checkpoint and end with exit code 75 after S seconds", 0},
    {"quiet", 'q', 0, 0, "print errors only", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    flo_train_options *const o = &in->options;
    switch (key) {
    case RESUME:
        in->resume = true;
        return 0;
    case FRESH:
        in->fresh = true;
        return 0;
    case CHECK:
        o->check = true;
        return 0;
    case INIT:
        o->init = argument;
        return 0;
    case KEEP:
        o->keep_preprocess = true;
        return 0;
    case SET:
        if (o->override_count == MOST_OVERRIDES)
            return flo_cli_refuse(state, "--set: at most %d of them", MOST_OVERRIDES);
        in->overrides[o->override_count++] = argument;
        return 0;
    case MAX_SECONDS:
        return flo_cli_number(state, "--max-seconds", argument, &o->max_seconds);
    case 'q':
        o->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->config)
            return flo_cli_refuse(state, "found a second CONFIG \"%s\", wanted one",
                                  argument);
        o->config = argument;
        return 0;
    case ARGP_KEY_END:
        if (!o->config)
            return flo_cli_refuse(state,
                                  "wanted a CONFIG; `flotilla init DATA` writes one");
        if (in->resume && in->fresh)
            return flo_cli_refuse(state, "--resume and --fresh exclude each other");
        if (in->resume && o->init)
            return flo_cli_refuse(state, "--resume and --init exclude each other");
        if (o->keep_preprocess && !o->init)
            return flo_cli_refuse(
                state, "--init-keep-preprocess: wanted --init MODEL with it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

flo_status flo_verb_train(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "CONFIG",
        "Trains the flow of CONFIG on all ranks and writes its run directory.",
        0,
        0,
        0};
    input in = {.resume = false};
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    in.options.overrides = in.overrides;
    in.options.start = in.resume  ? FLO_START_RESUME
                       : in.fresh ? FLO_START_FRESH
                                  : FLO_START_NEW;
    flo_signals_install();
    flo_outcome outcome;
    FLO_TRY(flo_train(call->comm, call->context, &in.options, &outcome));
    *exit_code = outcome == FLO_OUTCOME_STOPPED ? FLO_EXIT_STOPPED : FLO_EXIT_DONE;
    return FLO_OK;
}
