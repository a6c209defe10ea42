/* Context columns that look like labels. */
#include "train/labels.h"

#include "train/report.h"

#include <stdio.h>

/* Two values are one-hot as they are, but for their scale; beyond the last a column is
   rather a count or a time. */
enum { LEAST = 3, MOST = 100 };

flo_status flo_labels_begin(const flo_trainer *t, flo_levels **levels)
{
    *levels = NULL;
    if (!t->flow->context)
        return FLO_OK;
    return flo_levels_create(t->context, t->flow->context, levels);
}

void flo_labels_see(flo_levels *levels, int64_t contexts, const flo_batch *batch)
{
    for (int64_t i = 0; levels && i < batch->rows; i++)
        if (batch->weight[i] > 0)
            flo_levels_add_row(levels, batch->context + i * contexts);
}

static void tell(flo_trainer *t, const flo_levels *levels)
{
    char column[300], more[64] = "";
    int64_t found = 0, first = -1;
    for (int64_t j = 0; j < t->flow->context; j++) {
        const int64_t count = flo_levels_count(levels, j);
        const bool few = count >= LEAST && count <= MOST;
        if (!few || !flo_levels_are_whole(levels, j) ||
            flo_categories_at(&t->flow->categories, j))
            continue;
        first = found++ ? first : j;
    }
    if (!found)
        return;
    flo_rows_tell_column(t->rows[FLO_TRAIN], true, first, column, sizeof column);
    if (found > 1)
        snprintf(more, sizeof more, "; so have %lld more columns of the context",
                 (long long)found - 1);
    flo_report_line(t,
                    "note: context %s has %lld different values, all whole, and is "
                    "taken as a number; if they are labels, data.categories makes them "
                    "one-hot%s",
                    column, (long long)flo_levels_count(levels, first), more);
}

flo_status flo_labels_tell(flo_trainer *t, flo_levels **levels)
{
    flo_status status = FLO_OK;
    if (*levels)
        status = flo_levels_share(t->comm, *levels);
    if (status == FLO_OK && *levels)
        tell(t, *levels);
    flo_levels_destroy(levels);
    return status;
}
