/* Names in order. */
#include "data/names.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const flo_name *const x = a, *const y = b;
    const int order = strcmp(x->text, y->text);
    if (order != 0)
        return order;
    return (x->column > y->column) - (x->column < y->column);
}

flo_status flo_names_sort(flo_arena *arena, const flo_source *source, flo_names *names)
{
    const int64_t columns = flo_source_describe(source)->columns;
    *names = (flo_names){0, NULL};
    if (columns == 0 || !flo_source_column_name(source, 0))
        return FLO_OK;
    FLO_TRY(flo_arena_take(arena, columns, sizeof *names->name, &names->name));
    for (int64_t c = 0; c < columns; ++c)
        names->name[c] = (flo_name){flo_source_column_name(source, c), c};
    names->count = columns;
    qsort(names->name, (size_t)columns, sizeof *names->name, compare);
    return FLO_OK;
}

int64_t flo_names_find(const flo_names *names, const char *text, int64_t *count)
{
    int64_t first = 0, end = names->count;
    while (first < end) {
        const int64_t middle = first + (end - first) / 2;
        if (strcmp(names->name[middle].text, text) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    *count = 0;
    while (first + *count < names->count &&
           strcmp(names->name[first + *count].text, text) == 0)
        ++*count;
    return *count ? names->name[first].column : -1;
}
