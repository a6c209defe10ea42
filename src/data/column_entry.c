/* Entries as people write them. What is no number is looked for among the names first,
   so that a field called 0:1 can be had. */
#include "data/column_entry.h"

#include "config/fail.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_BYTES = 1500 };

static bool is_integer(const flo_node *node, int64_t *value)
{
    if (node->kind != FLO_NODE_SCALAR || node->quoted)
        return false;
    char *end;
    errno = 0;
    *value = strtoll(node->text, &end, 10);
    return errno == 0 && end != node->text && *end == '\0';
}

/* One end of a range: digits, or nothing, which leaves the value as it is. */
static bool read_end(const char *text, char stop, int64_t *value)
{
    char *end;
    if (*text == stop)
        return true;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && *end == stop;
}

/* first:last, without last; ends that are left out are those of all columns. */
static bool is_range(const flo_node *node, int64_t columns, flo_column_entry *entry)
{
    if (node->kind != FLO_NODE_SCALAR)
        return false;
    const char *const colon = strchr(node->text, ':');
    int64_t first = 0, last = columns;
    if (!colon || !read_end(node->text, ':', &first) ||
        !read_end(colon + 1, '\0', &last))
        return false;
    *entry = (flo_column_entry){first, last - first};
    return true;
}

static bool is_name(const flo_source *source, const flo_node *node,
                    flo_column_entry *entry)
{
    if (node->kind != FLO_NODE_SCALAR)
        return false;
    entry->first = flo_source_find_columns(source, node->text, &entry->count);
    return entry->count > 0;
}

static bool find(const flo_source *source, const flo_node *node,
                 flo_column_entry *entry)
{
    int64_t index;
    if (is_integer(node, &index)) {
        *entry = (flo_column_entry){index, 1};
        return true;
    }
    return is_name(source, node, entry) ||
           is_range(node, flo_source_describe(source)->columns, entry);
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
    const int64_t columns = flo_source_describe(source)->columns;
    if (find(source, node, entry) && entry->first >= 0 && entry->count >= 1 &&
        entry->first <= columns - entry->count)
        return FLO_OK;
    return flo_source_column_name(source, 0)
               ? fail_name(arena, source, node, setting)
               : fail_index(flo_arena_context(arena), source, node, setting);
}
