/* flotilla inspect: what a data file, config, checkpoint or run directory holds. */
#include "cli/verbs.h"

#include "config/node.h"
#include "hdf5/dataset.h"
#include "run/checkpoints.h"
#include "train/loaded.h"
#include "train/train.h"

#include <string.h>
#include <sys/stat.h>

typedef struct input {
    const char *file;
} input;

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    if (key == ARGP_KEY_ARG && !in->file) {
        in->file = argument;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        return flo_cli_refuse(state, "found a second argument \"%s\", wanted one FILE",
                              argument);
    if (key == ARGP_KEY_END && !in->file)
        return flo_cli_refuse(
            state, "wanted FILE: a data file, config, checkpoint or run directory");
    return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

/* A file's data sets as they are told. */
typedef struct listing {
    flo_context *context;
    const char *file;
    bool headed; /* the heading comes with the first: an error stands alone */
} listing;

/* Opens the data set as training would, since only that tells how it is read. */
static void print_dataset(const char *name, const flo_dataset_info *info,
                          void *argument)
{
    listing *const list = argument;
    flo_dataset *dataset;
    const char *how = "read by H5Dread";
    if (flo_dataset_open(list->context, list->file, name, &dataset) != FLO_OK)
        how = flo_context_message(list->context);
    else if (flo_dataset_describe(dataset)->direct)
        how = "read by pread";
    flo_dataset_close(&dataset);
    if (!list->headed)
        printf("data file %s\n", list->file);
    list->headed = true;
    printf("  %-24s %12lld rows x %lld columns  %-8s %s, %.1f MB, %s\n", name,
           (long long)info->rows, (long long)info->columns, info->type, info->layout,
           1e-6 * (double)info->stored_bytes, how);
}

static flo_status inspect_data(const flo_call *call, const char *file)
{
    if (!flo_cli_speaks(call))
        return FLO_OK;
    listing list = {.context = call->context, .file = file};
    FLO_TRY(flo_dataset_each(call->context, file, print_dataset, &list));
    if (!list.headed)
        printf("data file %s\n  no numeric data set\n", file);
    return FLO_OK;
}

static flo_status inspect_model(const flo_call *call, flo_arena *arena,
                                const char *model)
{
    flo_loaded loaded;
    char *table, *config;
    FLO_TRY(flo_loaded_read(call->comm, arena, model, &loaded));
    FLO_TRY(flo_flow_describe(loaded.flow, &table));
    FLO_TRY(flo_yaml_print(arena, loaded.config, &config));
    if (!flo_cli_speaks(call))
        return FLO_OK;
    printf("checkpoint %s\n%lld columns, %lld of context\nlayers, from "
           "%s:\n%s\nconfig:\n%s",
           loaded.path, (long long)loaded.flow->features,
           (long long)loaded.flow->context,
           loaded.flow->direction == FLO_DIRECTION_DENSITY ? "data to noise"
                                                           : "noise to data",
           table, config);
    return FLO_OK;
}

/* The sections of a config that make the model, a preset expanded, as YAML. */
static flo_status print_model_sections(flo_arena *arena, const flo_node *root)
{
    static const char *const sections[] = {"preprocess", "preprocess_context", "flow"};
    flo_node *model;
    char *text;
    FLO_TRY(flo_node_create(arena, FLO_NODE_MAP, root->file, 0, &model));
    for (int i = 0; i < 3; i++) {
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

static flo_status inspect(const flo_call *call, flo_arena *arena, const char *file)
{
    struct stat status;
    const bool is_folder = stat(file, &status) == 0 && S_ISDIR(status.st_mode);
    if (ends_in(file, ".yaml") || ends_in(file, ".yml"))
        return inspect_config(call, arena, file);
    if (is_folder || flo_dataset_exists(file, "parameters"))
        return inspect_model(call, arena, file);
    return flo_comm_agree(call->comm, call->context, inspect_data(call, file));
}

flo_status flo_verb_inspect(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        NULL,
        parse,
        "FILE",
        "Tells what FILE holds: the data sets of a data file and how they will be "
        "read, the layers of a config (a preset expanded) and what training would do, "
        "the model of a checkpoint or run directory.",
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
    const flo_status status = inspect(call, arena, in.file);
    flo_arena_destroy(&arena);
    return status;
}
