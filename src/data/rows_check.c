/* Bad rows: named by file, row and column, or dropped. */
#include "data/rows_private.h"

#include "core/vector.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where a stored row and a column of a source lie, for messages. */
static void locate(const flo_source *source, int64_t stored, int64_t column, char *text,
                   size_t size)
{
    int64_t row;
    const char *const file = flo_source_locate(source, stored, &row);
    const char *const name = flo_source_column_name(source, column);
    snprintf(text, size, "%s: data set '%s', row %lld, column %lld%s%s%s", file,
             flo_source_name(source), (long long)row, (long long)column,
             name ? " (" : "", name ? name : "", name ? ")" : "");
}

/* A value of a stored row that is not what it should be: column of the source. */
static flo_status fail_value(const flo_rows *rows, const flo_source *source,
                             int64_t stored, int64_t column, flo_real value,
                             const char *wanted)
{
    char where[FLO_MESSAGE_BYTES / 2];
    const char *const meaning = flo_source_describe(source)->dataset->meaning;
    const bool told = isnan(value) && meaning[0];
    locate(source, stored, column, where, sizeof where);
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: found %g%s%s%s, wanted %s; repair or remove such rows%s",
                    where, (double)value, told ? " (the file says: " : "",
                    told ? meaning : "", told ? ")" : "", wanted,
                    rows->keep ? ""
                               : ", or set data.on_bad_rows: drop to go on without "
                                 "them");
}

void flo_rows_locate(const flo_rows *rows, int64_t row, bool of_context, int64_t column,
                     char *text, size_t size)
{
    const flo_columns *const columns = &rows->columns;
    const bool apart = of_context && rows->context_data;
    const int64_t *const from = of_context ? columns->context : columns->feature;
    int64_t stored;
    flo_membership_locate(&rows->membership, row, 1, &stored);
    locate(apart ? rows->context_data : rows->data, stored,
           from ? from[column] : column, text, size);
}

/* Values of one kind, and where they come from. */
typedef struct checked {
    const flo_source *source;
    const int64_t *column; /* [columns] of the source, NULL: 0, 1, .. */
    int64_t columns;
    const flo_real *value; /* [rows, columns] */
} checked;

/* Fails at the first row with NaN or infinity, or marks all such rows by weight -1. */
static flo_status check_values(const flo_rows *rows, const checked *values,
                               const flo_batch *piece)
{
    const int64_t columns = values->columns, total = piece->rows * columns;
    for (int64_t at = 0; at < total;) {
        at += flo_vector_first_nonfinite(total - at, values->value + at);
        if (at == total)
            break;
        const int64_t row = at / columns, j = at % columns;
        if (!rows->drop)
            return fail_value(rows, values->source, rows->stored[row],
                              values->column ? values->column[j] : j, values->value[at],
                              "a finite number that fits into " FLO_REAL_NAME);
        piece->weight[row] = -1;
        at = (row + 1) * columns;
    }
    return FLO_OK;
}

static flo_status check_weights(const flo_rows *rows, const flo_batch *piece)
{
    const flo_source *const source = rows->weight_data ? rows->weight_data : rows->data;
    const int64_t column = rows->columns.weight >= 0 ? rows->columns.weight : 0;
    for (int64_t i = 0; i < piece->rows; ++i)
        if (!(piece->weight[i] >= 0 && isfinite(piece->weight[i])) && !rows->drop)
            return fail_value(rows, source, rows->stored[i], column, piece->weight[i],
                              "a finite weight that is not negative");
    return FLO_OK;
}

/* Gives every bad row weight 0 and values 0. */
static int64_t drop_bad(const flo_rows *rows, const flo_batch *piece)
{
    const int64_t D = rows->columns.features, C = rows->contexts;
    int64_t bad = 0;
    for (int64_t i = 0; i < piece->rows; ++i) {
        if (piece->weight[i] >= 0 && isfinite(piece->weight[i]))
            continue;
        ++bad;
        piece->weight[i] = 0;
        memset(piece->x + i * D, 0, (size_t)D * sizeof *piece->x);
        if (C)
            memset(piece->context + i * C, 0, (size_t)C * sizeof *piece->context);
    }
    return bad;
}

/* Gives rows with a bad weight weight 0. */
static void drop_weights(const flo_batch *piece)
{
    for (int64_t i = 0; i < piece->rows; ++i)
        if (!(piece->weight[i] >= 0 && isfinite(piece->weight[i])))
            piece->weight[i] = 0;
}

void flo_rows_keep_bad(flo_rows *rows, bool keep)
{
    rows->keep = keep;
}

flo_status flo_rows_check(const flo_rows *rows, const flo_batch *piece, int64_t *bad)
{
    const flo_columns *const columns = &rows->columns;
    const checked x = {rows->data, columns->feature, columns->features, piece->x};
    const checked context = {rows->context_data ? rows->context_data : rows->data,
                             columns->context, rows->contexts, piece->context};
    FLO_TRY(check_weights(rows, piece));
    if (rows->keep) {
        drop_weights(piece);
        return FLO_OK;
    }
    FLO_TRY(check_values(rows, &x, piece));
    FLO_TRY(check_values(rows, &context, piece));
    const int64_t dropped = rows->drop ? drop_bad(rows, piece) : 0;
    if (bad)
        *bad += dropped;
    return FLO_OK;
}

flo_status flo_rows_fail_weightless(const flo_rows *rows)
{
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: data set '%s': found no row with a weight above 0 among %lld, "
                    "wanted at least one%s",
                    flo_rows_file(rows), flo_rows_dataset(rows),
                    (long long)flo_rows_count(rows),
                    rows->keep ? "" : ": see data.weights and data.on_bad_rows");
}
