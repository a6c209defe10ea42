/* Which columns of the context a setting means. */
#include "data/rows_private.h"

#include "data/column_entry.h"

/* Where column `number` of the source stands in the context; -1: it is not in it. */
static int64_t place_of(const flo_rows *rows, int64_t number)
{
    if (rows->context_data)
        return number;
    for (int64_t j = 0; j < rows->contexts; ++j)
        if (rows->columns.context[j] == number)
            return j;
    return -1;
}

static flo_status choose(const flo_rows *rows, const flo_source *source,
                         const flo_node *node, bool *chosen)
{
    flo_column_entry entry;
    FLO_TRY(flo_column_entry_read(rows->arena, source, node, "categories", &entry));
    for (int64_t i = 0; i < entry.count; ++i) {
        const int64_t j = place_of(rows, entry.first + i);
        if (j < 0)
            return flo_settings_fail(rows->arena, node,
                                     "a column of data.context; column %lld is not one",
                                     (long long)(entry.first + i));
        chosen[j] = true;
    }
    return FLO_OK;
}

flo_status flo_rows_choose_context(const flo_rows *rows, const flo_node *setting,
                                   bool *chosen)
{
    const flo_source *const source =
        rows->context_data ? rows->context_data : rows->data;
    if (!rows->contexts)
        return flo_settings_fail(rows->arena, setting,
                                 "null where there is no data.context: categories are "
                                 "columns of the context");
    if (setting->kind != FLO_NODE_LIST)
        return choose(rows, source, setting, chosen);
    for (const flo_node *node = setting->first; node; node = node->next)
        FLO_TRY(choose(rows, source, node, chosen));
    return setting->count
               ? FLO_OK
               : flo_settings_fail(rows->arena, setting, "at least a column");
}
