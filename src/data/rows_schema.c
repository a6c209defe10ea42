/* What a model that is trained on some rows has to know of their columns. */
#include "data/rows_private.h"

#include "data/names.h"

#include <string.h>

typedef struct taking {
    flo_arena *arena;
    const flo_source *source;
    flo_names names;
} taking;

/* Whether bytes are UTF-8, as the text of a schema is: 1 to 4 bytes a character. */
static bool is_utf8(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c) {
        const int more = *c < 0x80   ? 0
                         : *c < 0xc2 ? -1
                         : *c < 0xe0 ? 1
                         : *c < 0xf0 ? 2
                         : *c < 0xf5 ? 3
                                     : -1;
        if (more < 0)
            return false;
        for (int i = 1; i <= more; ++i)
            if ((c[i] & 0xc0) != 0x80)
                return false;
        c += more + 1;
    }
    return true;
}

/* The name that tells a column from all others of its source, or NULL. */
static flo_status take_name(const taking *t, int64_t column, const char **name)
{
    const char *const text = flo_source_column_name(t->source, column);
    int64_t count;
    char *copy;
    *name = NULL;
    if (!text || !*text || !is_utf8(text))
        return FLO_OK;
    (void)flo_names_find(&t->names, text, &count);
    if (count != 1)
        return FLO_OK;
    FLO_TRY(flo_arena_string(t->arena, text, &copy));
    *name = copy;
    return FLO_OK;
}

static flo_status take_columns(const taking *t, int64_t count, const int64_t *column,
                               flo_schema_table *table)
{
    flo_column_facts *facts;
    FLO_TRY(flo_arena_take(t->arena, count, sizeof *table->column, &table->column));
    FLO_TRY(flo_arena_take(t->arena, count, sizeof *facts, &facts));
    FLO_TRY(flo_source_column_facts(t->source, t->arena, count, column, facts));
    for (int64_t j = 0; j < count; ++j) {
        flo_schema_column *const c = &table->column[j];
        c->index = column[j];
        c->type = facts[j].type;
        c->unit = facts[j].unit && is_utf8(facts[j].unit) ? facts[j].unit : NULL;
        FLO_TRY(take_name(t, column[j], &c->name));
    }
    table->count = count;
    return FLO_OK;
}

/* The rank and shape of a row: that of the array as stored, of one column [1]. */
static void take_shape(const flo_source_info *info, flo_schema_table *table)
{
    const flo_dataset_info *const stored = info->dataset;
    table->rank = 1;
    table->shape[0] = info->columns;
    if (info->by_name || stored->rank < 3)
        return;
    table->rank = stored->rank - 1;
    memcpy(table->shape, stored->shape + 1, (size_t)table->rank * sizeof(int64_t));
}

/* Columns column [count] of a source; NULL: all of them. */
static flo_status take_table(flo_arena *arena, const flo_source *source,
                             const char *path, int64_t count, const int64_t *column,
                             flo_schema_table *table)
{
    const flo_source_info *const info = flo_source_describe(source);
    taking t = {arena, source, {0, NULL}};
    char *name, *copy = NULL;
    int64_t *all;
    FLO_TRY(flo_names_sort(arena, source, &t.names));
    FLO_TRY(flo_arena_string(arena, flo_source_name(source), &name));
    if (path)
        FLO_TRY(flo_arena_string(arena, path, &copy));
    table->dataset = name;
    table->path = copy;
    table->width = info->columns;
    take_shape(info, table);
    if (!column) {
        count = info->columns;
        FLO_TRY(flo_arena_take(arena, count, sizeof *all, &all));
        for (int64_t c = 0; c < count; ++c)
            all[c] = c;
        column = all;
    }
    return take_columns(&t, count, column, table);
}

flo_status flo_rows_schema(const flo_rows *rows, flo_arena *arena, flo_schema **schema)
{
    const flo_columns *const c = &rows->columns;
    flo_schema *made;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *made, schema));
    made = *schema;
    made->context.dataset = made->weight.dataset = "";
    FLO_TRY(
        take_table(arena, rows->data, NULL, c->features, c->feature, &made->features));
    if (rows->context_data)
        FLO_TRY(take_table(arena, rows->context_data, c->context_in, 0, NULL,
                           &made->context));
    else if (c->contexts)
        FLO_TRY(take_table(arena, rows->data, NULL, c->contexts, c->context,
                           &made->context));
    if (rows->weight_data)
        return take_table(arena, rows->weight_data, c->weight_in, 0, NULL,
                          &made->weight);
    if (c->weight >= 0)
        return take_table(arena, rows->data, NULL, 1, &c->weight, &made->weight);
    return FLO_OK;
}
