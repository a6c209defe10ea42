/* libFuzzer: any bytes as a config, from YAML to the flow that it describes.

   Beside what the sanitizers see, the loader must free all that it took, a failure must
   have a message, and the effective config as it is printed must be read as the same.
 */
#include "config/yaml.h"
#include "flow/flow.h"
#include "train/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FEATURES = 3, CONTEXT = 1, LARGEST_NUMBER = 64, MOST_REPEATS = 2 };

/* Whether a flow of it is small: large ones are right, but slow. */
/* NOLINTNEXTLINE(misc-no-recursion): the parser bounds the nesting. */
static bool is_small(const flo_node *node, int *repeats)
{
    if (node->kind == FLO_NODE_SCALAR)
        return strtod(node->text, NULL) <= LARGEST_NUMBER;
    *repeats += flo_node_find(node, "repeat") != NULL;
    for (const flo_node *child = node->first; child; child = child->next)
        if (!is_small(child, repeats))
            return false;
    return *repeats <= MOST_REPEATS;
}

static flo_status build_flow(flo_arena *arena, flo_node *root)
{
    flo_flow *flow;
    char *table;
    int repeats = 0;
    const flo_node *const section = flo_node_find(root, "flow");
    if (section && !is_small(section, &repeats))
        return FLO_OK;
    FLO_TRY(flo_flow_create(arena, root, FEATURES, CONTEXT, 1, &flow));
    return flo_flow_describe(flow, &table);
}

/* What was printed is read as the same tree, quotes and all. */
static flo_status print_and_read(flo_arena *arena, const flo_config *config)
{
    char *text, *path;
    flo_node *again;
    FLO_TRY(flo_config_print(arena, config, &text));
    if (flo_yaml_parse(arena, "printed", text, strlen(text), &again) != FLO_OK)
        abort();
    FLO_TRY(flo_settings_difference(arena, config->root, again, NULL, 0, &path));
    assert(!path);
    return FLO_OK;
}

static flo_status load(flo_arena *arena, const char *text, size_t length)
{
    flo_config config;
    FLO_TRY(flo_config_parse(arena, "fuzz.yaml", text, length, NULL, 0, &config));
    FLO_TRY(print_and_read(arena, &config));
    if (flo_node_find(config.root, "data"))
        FLO_TRY(flo_config_data(arena, &config));
    FLO_TRY(build_flow(arena, config.root));
    return print_and_read(arena, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    flo_context *context;
    flo_arena *arena;
    if (flo_context_create(&context) != FLO_OK ||
        flo_arena_create(context, &arena) != FLO_OK)
        abort();
    /* The loader's text ends in 0, which is not counted. */
    char *const text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    const flo_status status = load(arena, text, size);
    assert(status == FLO_OK || flo_context_message(context)[0]);
    free(text);
    flo_arena_destroy(&arena);
    if (flo_context_destroy(&context) != 0)
        abort();
    return 0;
}
