/* A map read by its table: unknown keys refused, defaults filled in, values stored. */
#include "config/fail.h"
#include "config/node.h"
#include "config/settings_describe.h"
#include "config/settings_value.h"

#include <string.h>

/* The key by which a list of maps tells its kinds apart; the caller reads it. */
static const char kind_key[] = "kind";

static const flo_setting *find_row(const flo_settings *table, const char *name)
{
    for (const flo_setting *row = table->rows; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

/* Gives a section that is not there an empty map. */
static flo_status take_map(flo_arena *arena, flo_node *parent,
                           const flo_settings *table, flo_node **map)
{
    if (!*map) {
        FLO_TRY(flo_node_set(arena, parent, table->name, "{}", FLO_FILE_DEFAULT));
        *map = flo_node_find(parent, table->name);
    }
    if (flo_node_is_null(*map))
        flo_node_make_map(*map);
    if ((*map)->kind == FLO_NODE_MAP)
        return FLO_OK;
    return flo_settings_fail(arena, *map, "a map with the settings of %s", table->name);
}

static flo_status refuse_unknown(flo_arena *arena, const flo_node *map,
                                 const flo_settings *table)
{
    for (const flo_node *child = map->first; child; child = child->next) {
        if (strcmp(child->key, kind_key) == 0 || find_row(table, child->key))
            continue;
        flo_nearest nearest = {.wanted = child->key};
        for (const flo_setting *row = table->rows; row->name; row++)
            flo_nearest_offer(&nearest, row->name, strlen(row->name));
        char *whose;
        FLO_TRY(flo_arena_print(arena, &whose, "the settings of %s", table->name));
        return flo_config_fail_unknown(arena, child, whose, &nearest);
    }
    return FLO_OK;
}

/* A missing setting is reported at the nearest place that the user wrote. */
static flo_status fail_missing(flo_arena *arena, flo_node *map, const flo_setting *row)
{
    const flo_node *written = map;
    while (written->parent && strcmp(written->file, FLO_FILE_DEFAULT) == 0)
        written = written->parent;
    const flo_node missing = {
        .file = written->file, .line = written->line, .key = row->name, .parent = map};
    char *wanted;
    FLO_TRY(flo_setting_wanted(arena, row, &wanted));
    return flo_config_fail(arena, &missing, "nothing", "%s: %s", wanted, row->help);
}

static flo_status fill_defaults(flo_arena *arena, flo_node *map,
                                const flo_settings *table)
{
    for (const flo_setting *row = table->rows; row->name; row++) {
        if (flo_node_find(map, row->name))
            continue;
        if (row->flags & FLO_REQUIRED)
            return fail_missing(arena, map, row);
        FLO_TRY(flo_node_set(arena, map, row->name,
                             row->fallback ? row->fallback : "null", FLO_FILE_DEFAULT));
    }
    return FLO_OK;
}

/* Moves the child with this key from the old chain to the end of the new one. */
static flo_node **move(flo_node **from, const char *key, flo_node **to)
{
    while (*from && strcmp((*from)->key, key) != 0)
        from = &(*from)->next;
    if (!*from)
        return to;
    flo_node *const child = *from;
    *from = child->next;
    child->next = NULL;
    *to = child;
    return &child->next;
}

/* Puts the keys of a map into the table's order, `kind` first where it has no row. */
static void sort(flo_node *map, const flo_settings *table)
{
    flo_node *old = map->first;
    map->first = NULL;
    flo_node **end = &map->first;
    if (!find_row(table, kind_key))
        end = move(&old, kind_key, end);
    for (const flo_setting *row = table->rows; row->name; row++)
        end = move(&old, row->name, end);
}

flo_status flo_settings_read(flo_arena *arena, flo_node *parent, flo_node *map,
                             const flo_settings *table, void *values)
{
    FLO_TRY(take_map(arena, parent, table, &map));
    FLO_TRY(refuse_unknown(arena, map, table));
    FLO_TRY(fill_defaults(arena, map, table));
    sort(map, table);
    for (const flo_setting *row = table->rows; row->name; row++)
        FLO_TRY(flo_setting_read(arena, row, flo_node_find(map, row->name), values));
    return FLO_OK;
}
