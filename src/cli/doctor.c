/* flotilla doctor: what is wrong with this environment, and what to do about it. */
#include "cli/verbs.h"

#include "run/json.h"
#include "train/environment.h"

#include <stdlib.h>
#include <string.h>

enum { JSON = 256, SET = 257 };

typedef struct input {
    const char *config;
    const char **overrides; /* [count]; as many as there are arguments */
    int64_t count;
    bool json;
} input;

static const struct argp_option options[] = {
    {"set", SET, "PATH=VALUE", 0, "another value for a setting of CONFIG, as in train",
     0},
    {"json", JSON, 0, 0, "one JSON object instead of lines", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    switch (key) {
    case JSON:
        in->json = true;
        return 0;
    case SET:
        in->overrides[in->count++] = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (in->config)
            return flo_cli_refuse(
                state, "found a second argument \"%s\", wanted one CONFIG", argument);
        in->config = argument;
        return 0;
    case ARGP_KEY_END:
        if (in->count && !in->config)
            return flo_cli_refuse(state, "--set: wanted a CONFIG to set values of");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *const levels[] = {"ok", "warn", "bad"};

static void print_lines(const flo_checks *checks)
{
    for (int64_t i = 0; i < checks->count; i++) {
        const flo_check *const c = &checks->row[i];
        char level[8];
        snprintf(level, sizeof level, "[%s]", levels[c->level]);
        printf("%-6s %-9s  %s%s%s\n", level, c->name, c->found, c->cure[0] ? "; " : "",
               c->cure);
    }
}

static void print_json(const flo_environment *e, const flo_checks *checks)
{
    char text[FLO_JSON_BYTES(sizeof checks->row[0].found)];
    printf("{\"ranks\": %d, \"checks\": [", e->ranks);
    for (int64_t i = 0; i < checks->count; i++) {
        const flo_check *const c = &checks->row[i];
        printf("%s\n  {\"check\": \"%s\", \"level\": \"%s\"", i ? "," : "", c->name,
               levels[c->level]);
        printf(", \"found\": %s", flo_json_quote(c->found, text, sizeof text));
        printf(", \"cure\": %s}", flo_json_quote(c->cure, text, sizeof text));
    }
    printf("]}\n");
}

static int count(const flo_checks *checks, flo_level level)
{
    int found = 0;
    for (int64_t i = 0; i < checks->count; i++)
        found += checks->row[i].level == level;
    return found;
}

static flo_status report(const flo_call *call, flo_arena *arena,
                         const flo_environment *e, bool json, int *exit_code)
{
    flo_checks *checks;
    int bad = 0;
    flo_status status = flo_arena_take(arena, 1, sizeof *checks, &checks);
    if (status == FLO_OK && flo_cli_speaks(call)) {
        flo_environment_check(e, checks);
        bad = count(checks, FLO_LEVEL_BAD);
        if (json)
            print_json(e, checks);
        else
            print_lines(checks);
        if (!json)
            printf("bad: %d, warnings: %d\n", bad, count(checks, FLO_LEVEL_WARN));
        /* Before another rank's exit code makes the launcher end this one. */
        fflush(stdout);
    }
    FLO_TRY(flo_comm_agree(call->comm, call->context, status));
    flo_comm_broadcast(call->comm, &bad, sizeof bad);
    *exit_code = bad ? FLO_EXIT_ERROR : FLO_EXIT_DONE;
    return FLO_OK;
}

static flo_status examine(const flo_call *call, flo_arena *arena, const input *in,
                          int *exit_code)
{
    flo_environment environment;
    FLO_TRY(flo_environment_look(call->comm, arena, call->start_failure, in->config,
                                 in->overrides, in->count, &environment));
    return report(call, arena, &environment, in->json, exit_code);
}

flo_status flo_verb_doctor(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "[CONFIG]",
        "Looks at the environment and says, a line each, what was found and how to "
        "cure "
        "what is wrong: the launch of the ranks, cores, threads and their binding, "
        "BLAS, messages, memory, limits, HDF5, the run directory and its disk. Start "
        "it "
        "just as training will be: under mpirun or srun, with the same ranks and "
        "variables. With CONFIG also whether its data open, and whether its memory and "
        "checkpoints fit. Exits 1 if something is bad, warnings aside.",
        0,
        0,
        0};
    input in = {.config = NULL};
    flo_arena *arena;
    bool go_on;
    FLO_TRY(flo_arena_create(call->context, &arena));
    flo_status status =
        flo_arena_take(arena, call->argc, sizeof *in.overrides, (void *)&in.overrides);
    status = flo_comm_agree(call->comm, call->context, status);
    if (status == FLO_OK)
        flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (status == FLO_OK && go_on)
        status = examine(call, arena, &in, exit_code);
    flo_arena_destroy(&arena);
    return status;
}
