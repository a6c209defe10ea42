/* Nodes: making, linking, finding and naming them. */
#include "config/node.h"

#include "config/fail.h"
#include "config/quote.h"
#include "config/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

flo_status flo_node_create(flo_arena *arena, flo_node_kind kind, const char *file,
                           int line, flo_node **node)
{
    FLO_TRY(flo_arena_take(arena, 1, sizeof **node, node));
    (*node)->kind = kind;
    (*node)->file = file;
    (*node)->line = line;
    return FLO_OK;
}

void flo_node_append(flo_node *parent, flo_node *child)
{
    flo_node **place = &parent->first;
    while (*place)
        place = &(*place)->next;
    *place = child;
    child->parent = parent;
    child->next = NULL;
    parent->count++;
}

void flo_node_replace(flo_node *node, flo_node *by)
{
    flo_node **place = &node->parent->first;
    while (*place != node)
        place = &(*place)->next;
    *place = by;
    by->parent = node->parent;
    by->next = node->next;
    by->key = node->key;
}

void flo_node_make_map(flo_node *node)
{
    node->kind = FLO_NODE_MAP;
    node->text = NULL;
    node->quoted = false;
    node->first = NULL;
    node->count = 0;
}

int flo_node_level(const flo_node *node)
{
    int level = 0;
    while ((node = node->parent))
        level++;
    return level;
}

int flo_node_height(const flo_node *node)
{
    int height = 0;
    for (const flo_node *child = node->first; child; child = child->next) {
        const int below = flo_node_height(child);
        height = below > height ? below : height;
    }
    return node->kind == FLO_NODE_SCALAR ? 0 : height + 1;
}

bool flo_node_is_null(const flo_node *node)
{
    return node->kind == FLO_NODE_SCALAR && !node->quoted &&
           flo_scalar_null(node->text);
}

flo_node *flo_node_find(const flo_node *map, const char *key)
{
    flo_node *child = map->kind == FLO_NODE_MAP ? map->first : NULL;
    while (child && strcmp(child->key, key) != 0)
        child = child->next;
    return child;
}

flo_node *flo_node_at(const flo_node *list, int64_t index)
{
    flo_node *child = list->kind == FLO_NODE_LIST && index >= 0 ? list->first : NULL;
    while (child && index-- > 0)
        child = child->next;
    return child;
}

flo_status flo_node_set(flo_arena *arena, flo_node *map, const char *key,
                        const char *yaml, const char *file)
{
    flo_node *value;
    char *name;
    FLO_TRY(flo_yaml_value(arena, file, key, yaml, &value));
    if (flo_node_level(map) + 1 + flo_node_height(value) > FLO_NODE_LEVELS) {
        const flo_node here = {.file = file, .key = key, .parent = map};
        return flo_config_fail(arena, &here, "a value more than 64 levels deep",
                               "a flatter one");
    }
    flo_node *const old = flo_node_find(map, key);
    if (old) {
        flo_node_replace(old, value);
        return FLO_OK;
    }
    FLO_TRY(flo_arena_string(arena, key, &name));
    value->key = name;
    flo_node_append(map, value);
    return FLO_OK;
}

/* The place of a child in its list; one past the end for a child not yet linked. */
static int64_t index_of(const flo_node *node)
{
    int64_t index = 0;
    for (const flo_node *n = node->parent->first; n && n != node; n = n->next)
        index++;
    return index;
}

static void write_path(flo_text *text, const void *what)
{
    const flo_node *const node = what;
    if (!node->parent)
        return;
    write_path(text, node->parent);
    if (node->key) {
        flo_text_string(text, text->length ? "." : "");
        flo_text_string(text, node->key);
        return;
    }
    char index[32];
    snprintf(index, sizeof index, "[%" PRId64 "]", index_of(node));
    flo_text_string(text, index);
}

flo_status flo_node_path(flo_arena *arena, const flo_node *node, char **path)
{
    return flo_text_make(arena, write_path, node, path);
}
