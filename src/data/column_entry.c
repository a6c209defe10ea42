/* Entries as people write them. What is no number is looked for among the names first,
   so that a field called 0:1 can be had. */
#include "data/column_entry.h"

#include "config/fail.h"
#include "config/index_range.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_BYTES = 1500 };

static bool is_index(const flo_node *node, int64_t columns, flo_column_entry *entry)
{
    int64_t first, last;
    if (!flo_index_is_written(node, columns, &first, &last))
        return false;
    *entry = (flo_column_entry){first, last - first};
    return true;
}

static bool is_name(const flo_source *source, const flo_node *node,
                    flo_column_entry *entry)
{
    entry->first = flo_source_find_columns(source, node->text, &entry->count);
    return entry->count > 0;
}

static bool find(const flo_source *source, const flo_node *node,
                 flo_column_entry *entry)
{
    const int64_t columns = flo_source_describe(source)->columns;
    if (node->kind != FLO_NODE_SCALAR)
        return false;
    if (strchr(node->text, ':'))
        return is_name(source, node, entry) || is_index(node, columns, entry);
    return (!node->quoted && is_index(node, columns, entry)) ||
           is_name(source, node, entry);
}

static bool is_within(const flo_source *source, const flo_column_entry *entry)
{
    return entry->first >= 0 && entry->count >= 1 &&
           entry->first <= flo_source_describe(source)->columns - entry->count;
}

bool flo_column_is_there(const flo_source *source, const flo_node *node)
{
    flo_column_entry entry;
    return find(source, node, &entry) && is_within(source, &entry);
}

/* Another column of the same name as column c, or -1. */
static int64_t find_namesake(const flo_source *source, int64_t c)
{
    const char *const name = flo_source_column_name(source, c);
    for (int64_t other = c + 1; other < flo_source_describe(source)->columns; ++other)
        if (strcmp(flo_source_column_name(source, other), name) == 0)
            return other;
    return -1;
}

/* A name that two columns have stands for neither. */
static flo_status refuse_namesakes(flo_context *context, const flo_source *source,
                                   const flo_node *node, const char *setting,
                                   const flo_column_entry *entry)
{
    const char *const name = flo_source_column_name(source, entry->first);
    flo_column_entry index;
    const bool by_index =
        !node->quoted && is_index(node, flo_source_describe(source)->columns, &index);
    if (by_index || !name || strcmp(name, node->text) != 0)
        return FLO_OK;
    const int64_t other = find_namesake(source, entry->first);
    if (other < 0)
        return FLO_OK;
    return flo_fail(context, FLO_ERROR_CONFIG,
                    "%s:%d: data.%s: found %s, which columns %lld and %lld of %s: data "
                    "set '%s' are both called; wanted the index of the one that is "
                    "meant",
                    node->file, node->line, setting, node->text,
                    (long long)entry->first, (long long)other, flo_source_files(source),
                    flo_source_name(source));
}

bool flo_column_is_entry(const flo_source *source, const flo_node *node)
{
    flo_column_entry entry;
    return find(source, node, &entry);
}

static const char *found_text(const flo_node *node)
{
    if (node->kind == FLO_NODE_SCALAR)
        return node->text;
    return node->kind == FLO_NODE_LIST
               ? "a list"
               : "a map (quotes make a range of \"3:\", a text of \"a: b\")";
}

/* Of a source whose columns have no names: what an index must be. */
static flo_status fail_index(flo_context *context, const flo_source *source,
                             const flo_node *node, const char *setting)
{
    return flo_fail(
        context, FLO_ERROR_CONFIG,
        "%s:%d: data.%s: found %s, wanted the index of a column of %s: data "
        "set '%s': 0 to %lld, or a range of them like 0:2",
        node->file, node->line, setting, found_text(node), flo_source_files(source),
        flo_source_name(source), (long long)flo_source_describe(source)->columns - 1);
}

static flo_status fail_name(flo_arena *arena, const flo_source *source,
                            const flo_node *node, const char *setting)
{
    char names[NAMES_BYTES], *hint;
    flo_nearest nearest = {.wanted = found_text(node)};
    for (int64_t c = 0; c < flo_source_describe(source)->columns; ++c) {
        const char *const name = flo_source_column_name(source, c);
        flo_nearest_offer(&nearest, name, strlen(name));
    }
    FLO_TRY(flo_nearest_text(arena, &nearest, &hint));
    flo_source_list_columns(source, names, sizeof names);
    return flo_fail(
        flo_arena_context(arena), FLO_ERROR_CONFIG,
        "%s:%d: data.%s: found %s, wanted a column of %s: data set '%s', by "
        "its index (0 to %lld), a range of them like 0:2, or its name: "
        "%s%s",
        node->file, node->line, setting, found_text(node), flo_source_files(source),
        flo_source_name(source), (long long)flo_source_describe(source)->columns - 1,
        names, hint);
}

flo_status flo_column_entry_read(flo_arena *arena, const flo_source *source,
                                 const flo_node *node, const char *setting,
                                 flo_column_entry *entry)
{
    if (find(source, node, entry) && is_within(source, entry))
        return refuse_namesakes(flo_arena_context(arena), source, node, setting, entry);
    return flo_source_column_name(source, 0)
               ? fail_name(arena, source, node, setting)
               : fail_index(flo_arena_context(arena), source, node, setting);
}
