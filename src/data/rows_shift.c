/* Rows shifted in double before they are kept as flo_real, and rows in double. */
#include "data/rows_private.h"

#include <string.h>

/* The shift of what the data source gives: features, context columns, weight. */
static flo_status shift_data(flo_rows *rows, const double *origin, const double *factor)
{
    const int64_t own = rows->columns.features + rows->columns.contexts;
    double *shift;
    FLO_TRY(flo_allocate(rows->context, 2 * rows->width, sizeof *shift, &shift));
    for (int64_t j = 0; j < rows->width; j++) {
        shift[j] = j < own ? origin[j] : 0;
        shift[rows->width + j] = j < own ? factor[j] : 1;
    }
    const flo_status status = flo_source_shift(rows->data, shift, shift + rows->width);
    flo_free(rows->context, &shift);
    return status;
}

flo_status flo_rows_shift(flo_rows *rows, const double *origin, const double *factor)
{
    const int64_t D = rows->columns.features;
    FLO_TRY(shift_data(rows, origin, factor));
    return rows->context_data
               ? flo_source_shift(rows->context_data, origin + D, factor + D)
               : FLO_OK;
}

flo_status flo_rows_read_wide(flo_rows *rows, int64_t row, double *number)
{
    const int64_t D = rows->columns.features;
    const int64_t own = D + rows->columns.contexts;
    double *wide;
    int64_t stored;
    flo_membership_locate(&rows->membership, row, 1, &stored);
    FLO_TRY(flo_allocate(rows->context, rows->width, sizeof *wide, &wide));
    const flo_status status =
        flo_source_read_wide(rows->data, stored, 1, rows->width, wide);
    memcpy(number, wide, (size_t)own * sizeof *number);
    flo_free(rows->context, &wide);
    FLO_TRY(status);
    return rows->context_data ? flo_source_read_wide(rows->context_data, stored, 1,
                                                     rows->contexts, number + D)
                              : FLO_OK;
}

bool flo_rows_may_round(const flo_rows *rows)
{
    return flo_source_describe(rows->data)->may_round ||
           (rows->context_data && flo_source_describe(rows->context_data)->may_round);
}
