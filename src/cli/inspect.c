/* flotilla inspect: what a data file, config, checkpoint or run directory holds. */
#include "cli/verbs.h"

#include "cli/inspect_data.h"
#include "config/node.h"
#include "hdf5/dataset.h"
#include "run/checkpoints.h"
#include "train/loaded.h"
#include "train/train.h"

#include <string.h>
#include <sys/stat.h>

enum { QUICK = 256, COLUMNS, JSON, MOST_COLUMNS = 40 };

typedef struct input {
    const char *file;
    flo_inspect_options data;
} input;

static const struct argp_option options[] = {
    {"quick", QUICK, 0, 0, "of a data file: its data sets, without reading rows", 0},
    {"columns", COLUMNS, 0, 0, "of a data file or model: all columns, however many", 0},
    {"json", JSON, 0, 0, "of a data file: one JSON object, with all columns", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    switch (key) {
    case QUICK:
        in->data.quick = true;
        return 0;
    case COLUMNS:
        in->data.columns = true;
        return 0;
    case JSON:
        in->data.json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (in->file)
            return flo_cli_refuse(state,
                                  "found a second argument \"%s\", wanted one FILE; of "
                                  "many files give a pattern in quotes: 'part-*.h5'",
                                  argument);
        in->file = argument;
        return 0;
    case ARGP_KEY_END:
        if (!in->file)
            return flo_cli_refuse(
                state, "wanted FILE: a data file, config, checkpoint or run directory");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What the columns of a model are; empty where it does not know. */
static flo_status print_schema(flo_arena *arena, const flo_loaded *loaded, bool all,
                               char **text)
{
    const flo_schema *const schema = loaded->flow->schema;
    if (!schema)
        return flo_arena_string(arena, "", text);
    FLO_TRY(flo_schema_print(arena, schema, all ? 0 : MOST_COLUMNS, text));
    return flo_arena_print(arena, text, "schema:\n%s", *text);
}

static flo_status inspect_model(const flo_call *call, flo_arena *arena, const input *in)
{
    flo_loaded loaded;
    char *table, *config, *schema;
    FLO_TRY(flo_loaded_read(call->comm, arena, in->file, &loaded));
    FLO_TRY(print_schema(arena, &loaded, in->data.columns, &schema));
    FLO_TRY(flo_flow_describe(loaded.flow, &table));
    FLO_TRY(flo_yaml_print(arena, loaded.config, &config));
    if (!flo_cli_speaks(call))
        return FLO_OK;
    printf("checkpoint %s\n%lld columns, %lld of context\nlayers, from "
           "%s:\n%s\n%sconfig:\n%s",
           loaded.path, (long long)loaded.flow->features,
           (long long)loaded.flow->context,
           loaded.flow->direction == FLO_DIRECTION_DENSITY ? "data to noise"
                                                           : "noise to data",
           table, schema, config);
    return FLO_OK;
}

/* The sections of a config that make the model, a preset expanded, as YAML. */
static flo_status print_model_sections(flo_arena *arena, const flo_node *root)
{
    static const char *const sections[] = {"preprocess", "context_categories",
                                           "preprocess_context", "flow"};
    flo_node *model;
    char *text;
    FLO_TRY(flo_node_create(arena, FLO_NODE_MAP, root->file, 0, &model));
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const flo_node *const section = flo_node_find(root, sections[i]);
        if (!section)
            continue;
        FLO_TRY(flo_yaml_print(arena, section, &text));
        FLO_TRY(flo_node_set(arena, model, sections[i], text, root->file));
    }
    FLO_TRY(flo_yaml_print(arena, model, &text));
    printf("%s", text);
    return FLO_OK;
}

/* The layers that a config stands for, and what training would do; that needs the
   columns of its data. */
static flo_status inspect_config(const flo_call *call, flo_arena *arena,
                                 const char *file)
{
    const flo_train_options check = {.config = file, .check = true};
    flo_config config;
    flo_outcome outcome;
    FLO_TRY(flo_config_load(call->comm, arena, file, NULL, 0, &config));
    flo_status status =
        flo_cli_speaks(call) ? print_model_sections(arena, config.root) : FLO_OK;
    FLO_TRY(flo_comm_agree(call->comm, call->context, status));
    status = flo_train(call->comm, call->context, &check, &outcome);
    if (status != FLO_ERROR_FILE)
        return status;
    char reason[FLO_MESSAGE_BYTES / 2];
    snprintf(reason, sizeof reason, "%s", flo_context_message(call->context));
    return flo_fail(call->context, status,
                    "no table of layers, which needs the number of columns of "
                    "data.files: %s",
                    reason);
}

static bool ends_in(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static flo_status inspect(const flo_call *call, flo_arena *arena, const input *in)
{
    struct stat status;
    const bool is_folder = stat(in->file, &status) == 0 && S_ISDIR(status.st_mode);
    const bool is_config = ends_in(in->file, ".yaml") || ends_in(in->file, ".yml");
    const bool is_model = is_folder || flo_dataset_exists(in->file, "parameters");
    if (!is_config && !is_model)
        return flo_inspect_data(call, arena, in->file, &in->data);
    if (in->data.quick || (in->data.columns && is_config) || in->data.json)
        return flo_fail(call->context, FLO_ERROR_USAGE,
                        "%s: found a %s, wanted a data file: --quick and --json are "
                        "about data, --columns about data and models",
                        in->file, is_config ? "config" : "model");
    return is_config ? inspect_config(call, arena, in->file)
                     : inspect_model(call, arena, in);
}

flo_status flo_verb_inspect(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "FILE",
        "Tells what FILE holds: the data sets of a data file and, of FILE:dataset, "
        "FILE alone (train, or the only one) or a pattern in quotes, how it is read "
        "and what its columns are like; the layers of a config (a preset expanded) "
        "and what training would do; the model of a checkpoint or run directory.",
        0,
        0,
        0};
    input in = {.file = NULL};
    flo_arena *arena;
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    FLO_TRY(flo_arena_create(call->context, &arena));
    const flo_status status = inspect(call, arena, &in);
    flo_arena_destroy(&arena);
    return status;
}
