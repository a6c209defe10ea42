/* Where the rows and columns of a split lie. */
#include "data/rows_place.h"

#include "data/rows_private.h"

#include <stdio.h>

/* The shard that holds a stored row; *row becomes its number there. */
static int64_t find_shard(const flo_rows *rows, int64_t *row)
{
    int64_t first;
    int64_t low = 0, high = flo_source_describe(rows->data)->shards;
    while (high - low > 1) { /* the last shard that begins at the row or before it */
        const int64_t middle = low + (high - low) / 2;
        flo_source_shard(rows->data, middle, &first);
        *(first <= *row ? &low : &high) = middle;
    }
    flo_source_shard(rows->data, low, &first);
    *row -= first;
    return low;
}

void flo_rows_places(const flo_rows *rows, int64_t first, int64_t count,
                     int64_t *row_in_file, int64_t *shard)
{
    flo_membership_locate(&rows->membership, first, count, row_in_file);
    for (int64_t i = 0; i < count; i++)
        shard[i] = find_shard(rows, &row_in_file[i]);
}

const char *flo_rows_file_row(const flo_rows *rows, int64_t row, int64_t *row_in_file)
{
    int64_t shard, first;
    *row_in_file = row;
    if (row < 0 || row >= rows->membership.count)
        return "";
    flo_rows_places(rows, row, 1, row_in_file, &shard);
    return flo_source_shard(rows->data, shard, &first);
}

bool flo_rows_are_whole_file(const flo_rows *rows)
{
    return rows->membership.all && flo_source_describe(rows->data)->shards == 1;
}

int64_t flo_rows_column(const flo_rows *rows, bool of_context, int64_t column,
                        const char **name)
{
    const bool apart = of_context && rows->context_data;
    const int64_t *const from =
        of_context ? rows->columns.context : rows->columns.feature;
    const int64_t number = from ? from[column] : column;
    *name = flo_source_column_name(apart ? rows->context_data : rows->data, number);
    return number;
}

void flo_rows_tell_column(const flo_rows *rows, bool of_context, int64_t column,
                          char *text, size_t size)
{
    const char *name;
    const int64_t number = flo_rows_column(rows, of_context, column, &name);
    snprintf(text, size, "column %lld%s%s%s", (long long)number, name ? " (" : "",
             name ? name : "", name ? ")" : "");
}

void flo_rows_tell(const flo_rows *rows, const char *split, char *text, size_t size)
{
    const flo_membership *const m = &rows->membership;
    char part[64] = "";
    if (!m->all)
        snprintf(part, sizeof part, "the %.16s part (%.6g) of ", split,
                 m->high - m->low);
    snprintf(text, size, "%s%s:%s", part, flo_rows_file(rows), flo_rows_dataset(rows));
}
