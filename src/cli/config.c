/* flotilla config: every setting with its default, range and help. */
#include "cli/verbs.h"

#include "bijections/registry.h"
#include "densities/density.h"
#include "flow/presets.h"
#include "objective/objective.h"
#include "train/config.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    return flo_cli_refuse(state, "found \"%s\", wanted no argument", argument);
}

static flo_status print_table(flo_arena *arena, const flo_settings *table, int indent)
{
    char *text;
    FLO_TRY(flo_settings_help(arena, table, indent, &text));
    printf("%s\n", text);
    return FLO_OK;
}

static flo_status print_presets(flo_arena *arena)
{
    printf("# Presets: flow: {preset: NAME, ...} stands for base and layers, which a "
           "run's config.yaml holds in its\n"
           "# place; flow.base may be given besides. Columns are standardized unless "
           "`preprocess` is written.\n"
           "# `flotilla inspect CONFIG` shows the layers.\n\n");
    for (const flo_preset *preset = flo_presets; preset->settings; preset++)
        FLO_TRY(print_table(arena, preset->settings, 2));
    return FLO_OK;
}

static flo_status print_all(flo_arena *arena)
{
    printf(
        "# All settings of a flotilla config, with their defaults. A config names only "
        "what it changes.\n"
        "# `--set path=value` overrides one: --set train.steps=1000\n\n");
    for (const flo_settings *const *table = flo_config_sections; *table; table++)
        FLO_TRY(print_table(arena, *table, 0));
    printf(
        "# preprocess: a list of layers without learned parameters, fitted to the "
        "data:\n"
        "#   preprocess: [{kind: standardize}]\n"
        "# preprocess_context: the same for the columns of data.context; the default "
        "is\n"
        "#   preprocess_context: [{kind: standardize}]\n"
        "# context_categories: the values of data.categories; a run finds and keeps "
        "them:\n"
        "#   context_categories: [{column: 0, values: [0, 1, 2]}]\n\n");
    FLO_TRY(print_presets(arena));
    printf("# Kinds of bijections, {kind: NAME, ...} in flow.layers:\n\n");
    for (const flo_bijection_kind *const *kind = flo_bijection_kinds; *kind; kind++)
        FLO_TRY(print_table(arena, (*kind)->settings, 2));
    printf("# Kinds of densities, in flow.base and objective.target:\n\n");
    for (const flo_density_kind *const *kind = flo_density_kinds; *kind; kind++)
        FLO_TRY(print_table(arena, (*kind)->settings, 2));
    printf("# Kinds of objective, objective: {kind: NAME, ...}; likelihood is the "
           "default:\n\n");
    for (const flo_objective_kind *const *kind = flo_objective_kinds; *kind; kind++)
        FLO_TRY(print_table(arena, (*kind)->settings, 2));
    return FLO_OK;
}

flo_status flo_verb_config(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        NULL, parse, "", "Prints all settings with defaults and help.", 0, 0, 0};
    flo_arena *arena;
    bool go_on;
    flo_cli_parse(call, &argp, NULL, &go_on, exit_code);
    if (!go_on || !flo_cli_speaks(call))
        return FLO_OK;
    FLO_TRY(flo_arena_create(call->context, &arena));
    const flo_status status = print_all(arena);
    flo_arena_destroy(&arena);
    return status;
}
