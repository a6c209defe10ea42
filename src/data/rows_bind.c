/* The columns of a split by the schema of a model; and by the settings of its run where
   it has none. */
#include "data/rows_private.h"

#include "data/column_entry.h"

#include <string.h>

/* Whether the files of a share have a weights data set beside it. One data set for all
   splits belongs to train. */
static flo_status has_weights_beside(flo_rows *rows, const flo_opening *how,
                                     const flo_share *share, const char *path,
                                     bool *has)
{
    int64_t first;
    char *filled;
    FLO_TRY(flo_rows_fill_in(rows->arena, path, share->name, &filled));
    const char *const train = how->settings.train;
    *has = (strstr(path, FLO_SPLIT_MARK) || (train && !strcmp(share->name, train))) &&
           flo_dataset_exists(flo_source_shard(rows->data, 0, &first), filled);
    return FLO_OK;
}

/* The weights of the run's own data must be there; those of other data may be. */
static flo_status bind_weight(flo_rows *rows, const flo_opening *how,
                              const flo_share *share)
{
    const flo_schema_table *const table = &how->schema->weight;
    flo_columns *const columns = &rows->columns;
    flo_binding binding;
    bool has = !how->is_like;
    columns->weight = -1;
    if (table->path) {
        if (!has)
            FLO_TRY(has_weights_beside(rows, how, share, table->path, &has));
        columns->weight_in = has ? table->path : NULL;
        return FLO_OK;
    }
    if (!table->count)
        return FLO_OK;
    if (has)
        return flo_bind(rows->arena, rows->data, table, "weight column", false,
                        &columns->weight, &binding);
    int64_t column;
    FLO_TRY(flo_bind_try(rows->arena, rows->data, table, &column, &has));
    columns->weight = has ? column : -1;
    return FLO_OK;
}

flo_status flo_rows_bind(flo_rows *rows, const flo_opening *how, const flo_share *share)
{
    const flo_schema *const schema = how->schema;
    flo_columns *const columns = &rows->columns;
    const bool beside = schema->context.path != NULL;
    const int64_t D = schema->features.count, C = beside ? 0 : schema->context.count;
    flo_binding binding;
    *columns = (flo_columns){.features = D, .contexts = C};
    FLO_TRY(
        flo_arena_take(rows->arena, D, sizeof *columns->feature, &columns->feature));
    FLO_TRY(
        flo_arena_take(rows->arena, C, sizeof *columns->context, &columns->context));
    FLO_TRY(flo_bind(rows->arena, rows->data, &schema->features,
                     how->what ? how->what : "columns", C == 0, columns->feature,
                     &rows->binding));
    if (C)
        FLO_TRY(flo_bind(rows->arena, rows->data, &schema->context, "context columns",
                         false, columns->context, &binding));
    columns->context_in = schema->context.path;
    return bind_weight(rows, how, share);
}

/* Whether every entry of a setting is a column of the source. */
static bool can_be_chosen(const flo_source *source, const flo_node *node)
{
    if (node->kind != FLO_NODE_LIST)
        return flo_column_is_there(source, node);
    for (const flo_node *item = node->first; item; item = item->next)
        if (!flo_column_is_there(source, item))
            return false;
    return node->count > 0;
}

/* Whether entries are the columns 0, 1, .. as they stand. */
static flo_status is_identity(flo_rows *rows, const flo_node *node, bool *identity)
{
    int64_t next = 0;
    const bool list = node->kind == FLO_NODE_LIST;
    for (const flo_node *item = list ? node->first : node; item && *identity;
         item = list ? item->next : NULL) {
        flo_column_entry entry;
        FLO_TRY(
            flo_column_entry_read(rows->arena, rows->data, item, "columns", &entry));
        *identity = entry.first == next;
        next += entry.count;
    }
    return FLO_OK;
}

static flo_status refuse_ambiguous(const flo_rows *rows, const flo_node *node)
{
    return flo_fail(
        rows->context, FLO_ERROR_DATA,
        "%s: data set '%s' has as many columns as the model, but %s:%d says which of "
        "them and in which order, and this model was written before models kept what "
        "their columns are: wanted a data set with names (attribute `columns`), or "
        "a model that was trained or resumed by this version",
        flo_source_files(rows->data), flo_source_name(rows->data), node->file,
        node->line);
}

/* Whether plain rows of so many columns are what the settings chose from wider data. */
static flo_status is_narrow(flo_rows *rows, const flo_opening *how, bool *narrow)
{
    const flo_source_info *const info = flo_source_describe(rows->data);
    const flo_node *const node = how->settings.columns;
    bool identity = true;
    *narrow = !info->by_name && info->columns == how->like_features;
    if (!*narrow || !node || !can_be_chosen(rows->data, node))
        return FLO_OK;
    FLO_TRY(is_identity(rows, node, &identity));
    if (!identity && !flo_source_column_name(rows->data, 0))
        return refuse_ambiguous(rows, node);
    *narrow = identity; /* names say which is which */
    return FLO_OK;
}

flo_status flo_rows_adapt(flo_rows *rows, flo_opening *how, const flo_share *share)
{
    flo_data_settings *const settings = &how->settings;
    const char *const path = flo_columns_path(rows->data, settings->weights);
    bool narrow, has;
    FLO_TRY(is_narrow(rows, how, &narrow));
    has = settings->weights && !narrow;
    if (path)
        FLO_TRY(has_weights_beside(rows, how, share, path, &has));
    if (!has)
        settings->weights = NULL;
    if (narrow)
        settings->columns = NULL;
    return FLO_OK;
}
