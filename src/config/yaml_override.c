/* path=value: one place of a tree is given another value. */
#include "config/fail.h"
#include "config/node.h"
#include "config/scalar.h"
#include "config/settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static flo_status fail_usage(flo_arena *arena, const char *assignment,
                             const char *found)
{
    return flo_fail(flo_arena_context(arena), FLO_ERROR_USAGE,
                    "--set %.200s: found %s, wanted PATH=VALUE, for example --set "
                    "train.batch=512 or --set flow.layers[0].repeat=4",
                    assignment, found);
}

/* As the parser takes keys. */
enum { LONGEST_STEP = 200 };

typedef struct path_step {
    const char *name;
    bool is_index; /* written in brackets */
} path_step;

/* Takes the next step off a path: a key, or an index in brackets. *path moves to where
   the step after it starts; false where the path is malformed. */
static bool take_step(const char **path, const char **name, size_t *length,
                      bool *is_index)
{
    *is_index = **path == '[';
    *name = *path + *is_index;
    *length = strcspn(*name, *is_index ? "]" : ".[");
    const char *end = *name + *length;
    if (*length == 0 || *length > LONGEST_STEP || (*is_index && !*end))
        return false;
    end += *is_index;
    if (*end == '.' && end[1] && end[1] != '[')
        end++;
    else if (*end && *end != '[')
        return false;
    *path = end;
    return true;
}

static flo_status split(flo_arena *arena, const char *assignment, const char *path,
                        path_step *steps, int *count)
{
    for (const char *p = path; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return fail_usage(arena, assignment,
                              "a space or another character that no path has");
    *count = 0;
    do {
        const char *name;
        size_t length;
        bool is_index;
        if (*count == FLO_NODE_LEVELS)
            return fail_usage(arena, assignment, "a path of more than 64 steps");
        if (!take_step(&path, &name, &length, &is_index))
            return fail_usage(arena, assignment, "an empty or odd step in the path");
        char *copy;
        FLO_TRY(flo_arena_print(arena, &copy, "%.*s", (int)length, name));
        steps[(*count)++] = (path_step){.name = copy, .is_index = is_index};
    } while (*path);
    return FLO_OK;
}

static flo_status fail_index(flo_arena *arena, const flo_node *list, const char *index)
{
    char found[100];
    snprintf(found, sizeof found,
             "a list of %" PRId64 ", of which --set asks for item %.20s", list->count,
             index);
    if (list->count == 0)
        return flo_config_fail(arena, list, found, "the whole list to be set");
    return flo_config_fail(arena, list, found, "an index from 0 to %" PRId64,
                           list->count - 1);
}

static flo_status item_of(flo_arena *arena, flo_node *list, const char *index,
                          flo_node **child)
{
    int64_t number = -1;
    for (const char *p = index; *p; p++)
        if (!isdigit((unsigned char)*p))
            return fail_index(arena, list, index);
    if (flo_scalar_integer(index, &number))
        *child = flo_node_at(list, number);
    return *child ? FLO_OK : fail_index(arena, list, index);
}

/* A child with value null where the map has none: what a missing map starts as. */
static flo_status key_of(flo_arena *arena, flo_node *map, const char *key,
                         flo_node **child)
{
    if (!flo_node_find(map, key))
        FLO_TRY(flo_node_set(arena, map, key, "null", FLO_FILE_SET));
    *child = flo_node_find(map, key);
    return FLO_OK;
}

static flo_status go_down(flo_arena *arena, flo_node *node, const path_step *step,
                          flo_node **child)
{
    *child = NULL;
    if (node->kind == FLO_NODE_LIST)
        return item_of(arena, node, step->name, child);
    if (flo_node_is_null(node) && !step->is_index) {
        flo_node_make_map(node);
        node->file = FLO_FILE_SET;
        node->line = 0;
    }
    if (node->kind == FLO_NODE_MAP && !step->is_index)
        return key_of(arena, node, step->name, child);
    return flo_settings_fail(arena, node, "a %s, in which --set can reach %.60s",
                             step->is_index ? "list" : "map", step->name);
}

flo_status flo_yaml_override(flo_arena *arena, flo_node *root, const char *assignment)
{
    const char *const equals = strchr(assignment, '=');
    if (!equals)
        return fail_usage(arena, assignment, "no =");
    char *path;
    path_step steps[FLO_NODE_LEVELS];
    int count;
    FLO_TRY(
        flo_arena_print(arena, &path, "%.*s", (int)(equals - assignment), assignment));
    FLO_TRY(split(arena, assignment, path, steps, &count));
    flo_node *value, *node = root;
    FLO_TRY(flo_yaml_value(arena, FLO_FILE_SET, path, equals + 1, &value));
    if (count + flo_node_height(value) > FLO_NODE_LEVELS)
        return fail_usage(arena, assignment, "a value more than 64 levels deep");
    for (int i = 0; i < count; i++)
        FLO_TRY(go_down(arena, node, &steps[i], &node));
    flo_node_replace(node, value);
    return FLO_OK;
}
