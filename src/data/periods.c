/* Which features are angles. */
#include "data/periods.h"

#include "config/node.h"
#include "config/scalar.h"
#include "data/column_entry.h"
#include "data/rows_private.h"

#include <math.h>

static bool is_among(const int64_t *columns, int64_t count, int64_t column)
{
    for (int64_t k = 0; k < count; k++)
        if (columns[k] == column)
            return true;
    return false;
}

/* The feature that a column of the source is. */
static flo_status find_feature(flo_arena *arena, const flo_rows *rows,
                               const flo_node *node, int64_t column, int64_t *feature)
{
    const flo_columns *const columns = &rows->columns;
    for (int64_t j = 0; j < columns->features; j++)
        if (columns->feature[j] == column) {
            *feature = j;
            return FLO_OK;
        }
    const bool given = is_among(columns->context, columns->contexts, column);
    return flo_settings_fail(
        arena, node,
        given ? "a feature: column %lld is context; of an angle that is context, give "
                "the cosine and the sine as two columns"
              : "a feature: column %lld is not among data.columns",
        (long long)column);
}

static flo_status check_period(flo_arena *arena, const flo_node *node)
{
    double period;
    if (node->kind == FLO_NODE_SCALAR && !node->quoted &&
        flo_scalar_number(node->text, &period) && period > 0 && isfinite(period))
        return FLO_OK;
    return flo_settings_fail(arena, node,
                             "what a whole turn adds, a number above 0 such as 360 or "
                             "6.283185307179586");
}

/* The columns of one entry of the map, whose key says which. */
static flo_status read_entry(flo_arena *arena, const flo_rows *rows,
                             const flo_node *node, const flo_node **periods)
{
    flo_column_entry entry;
    flo_node *key;
    FLO_TRY(check_period(arena, node));
    FLO_TRY(flo_node_create(arena, FLO_NODE_SCALAR, node->file, node->line, &key));
    key->text = node->key;
    FLO_TRY(flo_column_entry_read(arena, rows->data, key, "period", &entry));
    for (int64_t k = 0; k < entry.count; k++) {
        int64_t j = 0;
        FLO_TRY(find_feature(arena, rows, node, entry.first + k, &j));
        if (periods[j])
            return flo_settings_fail(arena, node, "one period for column %lld",
                                     (long long)(entry.first + k));
        periods[j] = node;
    }
    return FLO_OK;
}

flo_status flo_periods_read(flo_arena *arena, const flo_rows *rows,
                            const flo_node *setting, const flo_node ***periods)
{
    *periods = NULL;
    if (!setting)
        return FLO_OK;
    if (setting->kind != FLO_NODE_MAP || !setting->count)
        return flo_settings_fail(arena, setting,
                                 "null, or columns and their periods such as {phi: "
                                 "6.283185307179586, 3: 360}");
    FLO_TRY(flo_arena_take(arena, rows->columns.features, sizeof **periods, periods));
    for (const flo_node *node = setting->first; node; node = node->next)
        FLO_TRY(read_entry(arena, rows, node, *periods));
    return FLO_OK;
}
