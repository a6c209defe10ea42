/* Binding: names first, then the recorded indices, then the order as it stands; and a
   refusal that says what would bind. */
#include "data/bind.h"

#include "data/names.h"

#include <stdio.h>
#include <string.h>

enum { LIST_BYTES = 900 };

typedef struct match {
    flo_arena *arena;
    const flo_source *source;
    const flo_schema_table *table;
    int64_t width; /* of the source */
    bool is_plain;
    flo_names names;
} match;

/* How many columns of the source have the label of column j; *column is the first. */
static int64_t find_label(const match *m, int64_t j, int64_t *column)
{
    char digits[FLO_SCHEMA_LABEL_BYTES];
    int64_t count;
    *column = flo_names_find(&m->names, flo_schema_label(&m->table->column[j], digits),
                             &count);
    return count;
}

static bool by_name(const match *m, int64_t *column)
{
    bool all = m->names.count > 0;
    for (int64_t j = 0; all && j < m->table->count; ++j)
        all = find_label(m, j, &column[j]) == 1;
    return all;
}

/* The first column j whose name and that of column[j] differ; -1: none. */
static int64_t find_other_name(const match *m, const int64_t *column)
{
    for (int64_t j = 0; m->names.count && j < m->table->count; ++j) {
        const char *const mine = m->table->column[j].name;
        const char *const other = flo_source_column_name(m->source, column[j]);
        if (mine && strcmp(mine, other) != 0)
            return j;
    }
    return -1;
}

/* Whether both sides have events of some shape, and not the same one. */
static bool has_other_shape(const match *m)
{
    const flo_dataset_info *const info = flo_source_describe(m->source)->dataset;
    const flo_schema_table *const table = m->table;
    const int rank = info->rank - 1;
    if (rank < 2 || table->rank < 2 || !flo_schema_is_whole(table))
        return false;
    return rank != table->rank ||
           memcmp(info->shape + 1, table->shape, (size_t)rank * sizeof(int64_t)) != 0;
}

static bool by_index(const match *m, int64_t *column)
{
    if (!m->is_plain || m->width != m->table->width || has_other_shape(m))
        return false;
    for (int64_t j = 0; j < m->table->count; ++j)
        column[j] = m->table->column[j].index;
    return find_other_name(m, column) < 0;
}

static bool as_it_is(const match *m, int64_t *column)
{
    if (!m->is_plain || m->width != m->table->count || has_other_shape(m))
        return false;
    for (int64_t j = 0; j < m->table->count; ++j)
        column[j] = j;
    return find_other_name(m, column) < 0;
}

static flo_status begin(flo_arena *arena, const flo_source *source,
                        const flo_schema_table *table, match *m)
{
    *m = (match){.arena = arena, .source = source, .table = table};
    m->width = flo_source_describe(source)->columns;
    m->is_plain = !flo_source_describe(source)->by_name;
    return flo_names_sort(arena, source, &m->names);
}

/* "28 x 28" of an array [.., 28, 28]. */
static void print_shape(int rank, const int64_t *shape, char *text, size_t bytes)
{
    size_t used = 0;
    for (int d = 0; d < rank && used < bytes; ++d)
        used += (size_t)snprintf(text + used, bytes - used, "%s%lld", d ? " x " : "",
                                 (long long)shape[d]);
}

static flo_status fail_shape(const match *m)
{
    const flo_dataset_info *const info = flo_source_describe(m->source)->dataset;
    char found[200], wanted[200];
    print_shape(info->rank - 1, info->shape + 1, found, sizeof found);
    print_shape(m->table->rank, m->table->shape, wanted, sizeof wanted);
    return flo_fail(flo_arena_context(m->arena), FLO_ERROR_DATA,
                    "%s: data set '%s' has rows of %s, wanted %s as in '%s' that the "
                    "model was trained on; rows [N, %lld] without a shape would do",
                    flo_source_files(m->source), flo_source_name(m->source), found,
                    wanted, m->table->dataset, (long long)m->table->count);
}

/* The first label that the source lacks or has more than once. */
static flo_status fail_names(const match *m, const char *what)
{
    char found[LIST_BYTES], wanted[LIST_BYTES], digits[FLO_SCHEMA_LABEL_BYTES];
    int64_t column, j = 0, count = 0;
    while (j < m->table->count - 1 && (count = find_label(m, j, &column)) == 1)
        ++j;
    count = find_label(m, j, &column);
    const char *const label = flo_schema_label(&m->table->column[j], digits);
    flo_source_list_columns(m->source, found, sizeof found);
    flo_schema_list(m->table, wanted, sizeof wanted);
    return flo_fail(flo_arena_context(m->arena), FLO_ERROR_DATA,
                    "%s: data set '%s' has %s column %s among its %lld (%s); wanted "
                    "each of the model's %s once, in any order: %s",
                    flo_source_files(m->source), flo_source_name(m->source),
                    count ? "more than one" : "no", label, (long long)m->width, found,
                    what, wanted);
}

/* Of a source without names, or of a model without. */
static flo_status fail_width(const match *m, const char *what, bool alone)
{
    char wanted[LIST_BYTES], own[100] = "";
    flo_schema_list(m->table, wanted, sizeof wanted);
    if (alone)
        snprintf(own, sizeof own, ", or just these %lld in this order",
                 (long long)m->table->count);
    return flo_fail(flo_arena_context(m->arena), FLO_ERROR_DATA,
                    "%s: data set '%s' has %lld columns%s, wanted the model's %s %s: "
                    "by these names (attribute `columns` of a plain data set), or a "
                    "plain data set of all %lld columns of '%s' that it was trained "
                    "on%s",
                    flo_source_files(m->source), flo_source_name(m->source),
                    (long long)m->width,
                    !m->is_plain      ? " known by name alone"
                    : !m->names.count ? " without names"
                                      : "",
                    what, wanted, (long long)m->table->width, m->table->dataset, own);
}

/* Of a model that knows its columns by where they stand, and has all of them. */
static flo_status fail_whole(const match *m, const char *what)
{
    return flo_fail(flo_arena_context(m->arena), FLO_ERROR_DATA,
                    "%s: data set '%s' has %lld columns%s, wanted %lld plain ones, the "
                    "model's %s as in '%s' that it was trained on",
                    flo_source_files(m->source), flo_source_name(m->source),
                    (long long)m->width, m->is_plain ? "" : " known by name alone",
                    (long long)m->table->count, what, m->table->dataset);
}

static flo_status refuse(const match *m, const char *what, bool alone)
{
    const bool fits =
        m->width == m->table->width || (alone && m->width == m->table->count);
    if (m->is_plain && fits && has_other_shape(m))
        return fail_shape(m);
    bool named = false;
    for (int64_t j = 0; j < m->table->count; ++j)
        named = named || m->table->column[j].name;
    if (!named && flo_schema_is_whole(m->table))
        return fail_whole(m, what);
    return m->names.count && named ? fail_names(m, what) : fail_width(m, what, alone);
}

flo_status flo_bind(flo_arena *arena, const flo_source *source,
                    const flo_schema_table *table, const char *what, bool alone,
                    int64_t *column, flo_binding *binding)
{
    match m;
    FLO_TRY(begin(arena, source, table, &m));
    if (by_name(&m, column))
        *binding = FLO_BOUND_BY_NAME;
    else if (by_index(&m, column))
        *binding = FLO_BOUND_BY_INDEX;
    else if (alone && as_it_is(&m, column))
        *binding = FLO_BOUND_AS_IT_IS;
    else
        return refuse(&m, what, alone);
    return FLO_OK;
}

flo_status flo_bind_try(flo_arena *arena, const flo_source *source,
                        const flo_schema_table *table, int64_t *column, bool *found)
{
    match m;
    FLO_TRY(begin(arena, source, table, &m));
    *found = table->count > 0 && (by_name(&m, column) || by_index(&m, column));
    return FLO_OK;
}
