/* Columns dealt to features, context and weight: each column to one of them at most. */
#include "data/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct dealing {
    flo_arena *arena;
    int64_t total;       /* columns of the data set */
    const char *where;   /* file and data set, for messages */
    const char **holder; /* [total], the setting that took a column, or NULL */
} dealing;

static bool is_integer(const flo_node *node, long long *value)
{
    if (node->kind != FLO_NODE_SCALAR || node->quoted)
        return false;
    char *end;
    errno = 0;
    *value = strtoll(node->text, &end, 10);
    return errno == 0 && end != node->text && *end == '\0';
}

static flo_status take_column(dealing *deal, const flo_node *node, const char *setting,
                              int64_t *column)
{
    flo_context *const context = flo_arena_context(deal->arena);
    long long value;
    if (!is_integer(node, &value) || value < 0 || value >= deal->total)
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "%s:%d: data.%s: found %s, wanted the index of a column of %s: "
                        "0 to %lld",
                        node->file, node->line, setting,
                        node->kind == FLO_NODE_SCALAR ? node->text : "a list or map",
                        deal->where, (long long)deal->total - 1);
    if (deal->holder[value])
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "%s:%d: data.%s: found column %lld, which data.%s has already; "
                        "wanted each column once",
                        node->file, node->line, setting, value, deal->holder[value]);
    deal->holder[value] = setting;
    *column = value;
    return FLO_OK;
}

/* A list of columns, or one column. */
static flo_status take_columns(dealing *deal, const flo_node *node, const char *setting,
                               int64_t **columns, int64_t *count)
{
    *count = node->kind == FLO_NODE_LIST ? node->count : 1;
    FLO_TRY(flo_arena_take(deal->arena, *count, sizeof **columns, columns));
    if (node->kind != FLO_NODE_LIST)
        return take_column(deal, node, setting, *columns);
    int64_t i = 0;
    for (const flo_node *item = node->first; item; item = item->next)
        FLO_TRY(take_column(deal, item, setting, &(*columns)[i++]));
    return FLO_OK;
}

/* A scalar that is no integer is the path of a data set. */
const char *flo_columns_path(const flo_node *setting)
{
    long long value;
    if (!setting || setting->kind != FLO_NODE_SCALAR || is_integer(setting, &value))
        return NULL;
    return setting->text;
}

static flo_status take_weight(dealing *deal, const flo_node *node, flo_columns *columns)
{
    columns->weight = -1;
    if (!node)
        return FLO_OK;
    if (!flo_columns_path(node))
        return take_column(deal, node, "weights", &columns->weight);
    columns->weight_in = node->text;
    return FLO_OK;
}

static flo_status take_context(dealing *deal, const flo_node *node,
                               flo_columns *columns)
{
    if (!node)
        return FLO_OK;
    if (!flo_columns_path(node))
        return take_columns(deal, node, "context", &columns->context,
                            &columns->contexts);
    columns->context_in = node->text;
    return FLO_OK;
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
    if (!node || (node->kind == FLO_NODE_SCALAR && !strcmp(node->text, "all")))
        return take_rest(deal, columns);
    return take_columns(deal, node, "columns", &columns->feature, &columns->features);
}

static bool is_whole(const flo_columns *columns, int64_t total)
{
    bool whole = columns->features == total;
    for (int64_t c = 0; whole && c < total; ++c)
        whole = columns->feature[c] == c;
    return whole;
}

flo_status flo_columns_resolve(flo_arena *arena, const flo_data_settings *settings,
                               int64_t total, const char *where, flo_columns *columns)
{
    *columns = (flo_columns){0};
    dealing deal = {arena, total, where, NULL};
    FLO_TRY(flo_arena_take(arena, total, sizeof *deal.holder, &deal.holder));
    FLO_TRY(take_weight(&deal, settings->weights, columns));
    FLO_TRY(take_context(&deal, settings->context, columns));
    FLO_TRY(take_features(&deal, settings->columns, columns));
    if (columns->features == 0)
        return flo_fail(flo_arena_context(arena), FLO_ERROR_DATA,
                        "%s: its %lld columns leave no feature; wanted at least one: "
                        "see data.columns, data.context and data.weights",
                        where, (long long)total);
    if (is_whole(columns, total))
        columns->feature = NULL;
    return FLO_OK;
}
