/* Where the rows and columns of a split lie. */
#include "data/rows_place.h"

#include "data/rows_private.h"

#include <stdio.h>

int64_t flo_rows_place(const flo_rows *rows, int64_t row, int64_t *row_in_file)
{
    int64_t stored, first;
    int64_t low = 0, high = flo_source_describe(rows->data)->shards;
    flo_membership_locate(&rows->membership, row, 1, &stored);
    while (high - low > 1) { /* the last shard that begins at the row or before it */
        const int64_t middle = low + (high - low) / 2;
        flo_source_shard(rows->data, middle, &first);
        *(first <= stored ? &low : &high) = middle;
    }
    flo_source_shard(rows->data, low, &first);
    *row_in_file = stored - first;
    return low;
}

int64_t flo_rows_column(const flo_rows *rows, bool of_context, int64_t column,
                        const char **name)
{
    const bool apart = of_context && rows->context_data;
    const int64_t *const from =
        of_context ? rows->columns.context : rows->columns.feature;
    const int64_t number = from && !apart ? from[column] : column;
    *name = flo_source_column_name(apart ? rows->context_data : rows->data, number);
    return number;
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
