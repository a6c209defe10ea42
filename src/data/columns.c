/* Columns dealt to features, context and weight: each column to one of them at most. */
#include "data/columns.h"

#include "data/column_entry.h"

#include <string.h>

enum { NAMES_BYTES = 1500 };

typedef struct dealing {
    flo_arena *arena;
    const flo_source *source;
    int64_t total;       /* columns of the source */
    const char **holder; /* [total], the setting that took a column, or NULL */
} dealing;

static flo_status hold(dealing *deal, const flo_node *node, const char *setting,
                       int64_t column)
{
    const char *const holder = deal->holder[column];
    const char *const name = flo_source_column_name(deal->source, column);
    deal->holder[column] = setting;
    if (!holder)
        return FLO_OK;
    return flo_fail(flo_arena_context(deal->arena), FLO_ERROR_CONFIG,
                    "%s:%d: data.%s: found column %lld%s%s%s, which data.%s has "
                    "already; wanted each column once",
                    node->file, node->line, setting, (long long)column,
                    name ? " (" : "", name ? name : "", name ? ")" : "", holder);
}

/* Takes the columns of one entry; count NULL: they are counted only. */
static flo_status take_entry(dealing *deal, const flo_node *node, const char *setting,
                             int64_t *columns, int64_t *count)
{
    flo_column_entry entry;
    FLO_TRY(flo_column_entry_read(deal->arena, deal->source, node, setting, &entry));
    for (int64_t i = 0; i < entry.count; ++i, ++*count) {
        if (!columns)
            continue;
        columns[*count] = entry.first + i;
        FLO_TRY(hold(deal, node, setting, entry.first + i));
    }
    return FLO_OK;
}

static flo_status take_entries(dealing *deal, const flo_node *node, const char *setting,
                               int64_t *columns, int64_t *count)
{
    *count = 0;
    if (node->kind != FLO_NODE_LIST)
        return take_entry(deal, node, setting, columns, count);
    for (const flo_node *item = node->first; item; item = item->next)
        FLO_TRY(take_entry(deal, item, setting, columns, count));
    return FLO_OK;
}

/* A list of entries, or one entry: counted first, then taken. */
static flo_status take_columns(dealing *deal, const flo_node *node, const char *setting,
                               int64_t **columns, int64_t *count)
{
    FLO_TRY(take_entries(deal, node, setting, NULL, count));
    FLO_TRY(flo_arena_take(deal->arena, *count, sizeof **columns, columns));
    return take_entries(deal, node, setting, *columns, count);
}

const char *flo_columns_path(const flo_source *source, const flo_node *setting)
{
    if (!setting || setting->kind != FLO_NODE_SCALAR ||
        flo_column_is_entry(source, setting))
        return NULL;
    return setting->text;
}

/* The path of a data set. Of a source with names it must be there: else it is rather a
   name that was mistyped, and the message lists the names. */
static bool is_path(const dealing *deal, const flo_node *node)
{
    int64_t first;
    const char *const path = flo_columns_path(deal->source, node);
    return path &&
           (!flo_source_column_name(deal->source, 0) || strstr(path, FLO_SPLIT_MARK) ||
            flo_dataset_exists(flo_source_shard(deal->source, 0, &first), path));
}

static flo_status take_weight(dealing *deal, const flo_node *node, flo_columns *columns)
{
    columns->weight = -1;
    if (!node)
        return FLO_OK;
    if (is_path(deal, node)) {
        columns->weight_in = node->text;
        return FLO_OK;
    }
    flo_column_entry entry;
    FLO_TRY(flo_column_entry_read(deal->arena, deal->source, node, "weights", &entry));
    if (entry.count != 1)
        return flo_fail(flo_arena_context(deal->arena), FLO_ERROR_CONFIG,
                        "%s:%d: data.weights: found %s, which is %lld columns, wanted "
                        "one: a weight a row",
                        node->file, node->line, node->text, (long long)entry.count);
    columns->weight = entry.first;
    return hold(deal, node, "weights", entry.first);
}

static flo_status take_context(dealing *deal, const flo_node *node,
                               flo_columns *columns)
{
    if (!node)
        return FLO_OK;
    if (!is_path(deal, node))
        return take_columns(deal, node, "context", &columns->context,
                            &columns->contexts);
    columns->context_in = node->text;
    return FLO_OK;
}

/* Which of the fields of a table, or of the data sets of a group, are meant is not for
   us to guess: there may be an index, a label, a weight among them. */
static flo_status fail_unchosen(const dealing *deal)
{
    char names[NAMES_BYTES];
    flo_source_list_columns(deal->source, names, sizeof names);
    return flo_fail(
        flo_arena_context(deal->arena), FLO_ERROR_CONFIG,
        "data.columns: found all, wanted a list of columns: %s: '%s' is %s; "
        "choose among %s",
        flo_source_files(deal->source), flo_source_name(deal->source),
        flo_source_describe(deal->source)->is_group
            ? "a group, whose data sets are the columns"
            : "a table, whose fields are the columns",
        names);
}

static flo_status take_rest(dealing *deal, flo_columns *columns)
{
    FLO_TRY(flo_arena_take(deal->arena, deal->total, sizeof *columns->feature,
                           &columns->feature));
    for (int64_t c = 0; c < deal->total; ++c)
        if (!deal->holder[c])
            columns->feature[columns->features++] = c;
    return FLO_OK;
}

static flo_status take_features(dealing *deal, const flo_node *node,
                                flo_columns *columns)
{
    const bool all =
        node && node->kind == FLO_NODE_SCALAR && !strcmp(node->text, "all");
    if (all && flo_source_describe(deal->source)->by_name)
        return fail_unchosen(deal);
    if (all || !node)
        return take_rest(deal, columns);
    return take_columns(deal, node, "columns", &columns->feature, &columns->features);
}

flo_status flo_columns_resolve(flo_arena *arena, const flo_data_settings *settings,
                               const flo_source *source, flo_columns *columns)
{
    *columns = (flo_columns){0};
    dealing deal = {arena, source, flo_source_describe(source)->columns, NULL};
    FLO_TRY(flo_arena_take(arena, deal.total, sizeof *deal.holder, &deal.holder));
    FLO_TRY(take_weight(&deal, settings->weights, columns));
    FLO_TRY(take_context(&deal, settings->context, columns));
    FLO_TRY(take_features(&deal, settings->columns, columns));
    if (columns->features == 0)
        return flo_fail(flo_arena_context(arena), FLO_ERROR_DATA,
                        "%s: data set '%s': its %lld columns leave no feature; wanted "
                        "at least one: see data.columns, data.context and data.weights",
                        flo_source_files(source), flo_source_name(source),
                        (long long)deal.total);
    return FLO_OK;
}
