/* Reading rows of a split: stored rows found, columns gathered, bad rows caught. */
#include "data/rows_private.h"

#include "core/checksum.h"
#include "core/vector.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    PIECE_BYTES = 1 << 20, /* what is read and checked at a time: stays in the cache */
    GAP_BYTES = 1 << 14,   /* reading over so much costs less than another call */
    SAMPLES = 64           /* rows in a fingerprint */
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_gathered(const flo_columns *columns)
{
    return columns->feature || columns->contexts || columns->weight >= 0;
}

flo_status flo_rows_prepare(flo_rows *rows)
{
    const int64_t widest = larger(rows->total, rows->contexts);
    const int64_t row_bytes = widest * (int64_t)sizeof(flo_real);
    rows->piece_rows = larger(1, PIECE_BYTES / row_bytes);
    FLO_TRY(flo_arena_take(rows->arena, rows->piece_rows, sizeof *rows->stored,
                           &rows->stored));
    if (is_gathered(&rows->columns))
        FLO_TRY(flo_arena_take(rows->arena, rows->piece_rows * rows->total,
                               sizeof *rows->wide, &rows->wide));
    if (rows->membership.all)
        return FLO_OK;
    rows->span_rows = rows->piece_rows;
    return flo_arena_take(rows->arena, rows->span_rows * widest, sizeof *rows->span,
                          &rows->span);
}

static int64_t dataset_bytes(const flo_dataset *dataset)
{
    return dataset ? flo_dataset_bytes(dataset) : 0;
}

int64_t flo_rows_bytes(const flo_rows *rows)
{
    const int64_t widest = larger(rows->total, rows->contexts);
    const int64_t reals = (rows->wide ? rows->piece_rows * rows->total : 0) +
                          (rows->span ? rows->span_rows * widest : 0);
    return rows->piece_rows * (int64_t)sizeof *rows->stored +
           reals * (int64_t)sizeof(flo_real) + dataset_bytes(rows->data) +
           dataset_bytes(rows->context_data) + dataset_bytes(rows->weight_data);
}

/* How many of stored [n] one read takes: near each other, and within the span. */
static int64_t run_length(const flo_rows *rows, const int64_t *stored, int64_t n,
                          int64_t columns)
{
    const int64_t gap = GAP_BYTES / (columns * (int64_t)sizeof(flo_real));
    int64_t i = 1;
    while (i < n && stored[i] - stored[i - 1] - 1 <= gap &&
           stored[i] - stored[0] < rows->span_rows)
        ++i;
    return i;
}

/* All columns of the stored rows rows->stored [n] of a data set: out [n, columns]. */
static flo_status read_stored(flo_rows *rows, flo_dataset *dataset, int64_t n,
                              flo_real *out)
{
    const int64_t columns = flo_dataset_describe(dataset)->columns;
    if (rows->membership.all)
        return flo_dataset_read(dataset, rows->stored[0], n, columns, out);
    const size_t bytes = (size_t)columns * sizeof *out;
    int64_t length;
    for (int64_t i = 0; i < n; i += length) {
        const int64_t *const stored = rows->stored + i;
        length = run_length(rows, stored, n - i, columns);
        FLO_TRY(flo_dataset_read(dataset, stored[0], stored[length - 1] - stored[0] + 1,
                                 columns, rows->span));
        for (int64_t j = 0; j < length; ++j)
            memcpy(out + (i + j) * columns,
                   rows->span + (stored[j] - stored[0]) * columns, bytes);
    }
    return FLO_OK;
}

/* Columns column [k] (NULL: 0 .. k-1) of in [n, total]: out [n, k]. */
static void gather(int64_t n, int64_t total, const flo_real *in, int64_t k,
                   const int64_t *column, flo_real *out)
{
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < k; ++j)
            out[i * k + j] = in[i * total + (column ? column[j] : j)];
}

static flo_status read_piece(flo_rows *rows, const flo_batch *piece)
{
    const flo_columns *const columns = &rows->columns;
    const int64_t n = piece->rows;
    FLO_TRY(read_stored(rows, rows->data, n, rows->wide ? rows->wide : piece->x));
    if (rows->wide) {
        gather(n, rows->total, rows->wide, columns->features, columns->feature,
               piece->x);
        gather(n, rows->total, rows->wide, columns->contexts, columns->context,
               piece->context);
    }
    if (rows->context_data)
        FLO_TRY(read_stored(rows, rows->context_data, n, piece->context));
    if (rows->weight_data)
        return read_stored(rows, rows->weight_data, n, piece->weight);
    if (columns->weight >= 0)
        gather(n, rows->total, rows->wide, 1, &columns->weight, piece->weight);
    else
        for (int64_t i = 0; i < n; ++i)
            piece->weight[i] = 1;
    return FLO_OK;
}

static flo_status fail_bad(const flo_rows *rows, const char *file, const char *name,
                           int64_t row, int64_t column, flo_real value,
                           const char *wanted)
{
    return flo_fail(
        rows->context, FLO_ERROR_DATA,
        "%s: data set '%s', row %lld, column %lld: found %g, wanted %s; "
        "repair or remove such rows, or set data.on_bad_rows: drop to go on "
        "without them",
        file, name, (long long)rows->stored[row], (long long)column, (double)value,
        wanted);
}

static flo_status fail_value(const flo_rows *rows, bool of_context, int64_t row,
                             int64_t column, flo_real value)
{
    const int64_t *const stored =
        of_context ? rows->columns.context : rows->columns.feature;
    return fail_bad(rows, of_context ? rows->context_file : rows->file,
                    of_context ? rows->context_name : rows->name, row,
                    stored ? stored[column] : column, value,
                    "a finite number that fits into " FLO_REAL_NAME);
}

/* Fails at the first row of values [n, columns] with NaN or infinity, or marks all such
   rows by weight -1. */
static flo_status check_values(const flo_rows *rows, bool of_context, int64_t columns,
                               const flo_real *values, const flo_batch *piece)
{
    const int64_t total = piece->rows * columns;
    for (int64_t at = 0; at < total;) {
        at += flo_vector_first_nonfinite(total - at, values + at);
        if (at == total)
            break;
        const int64_t row = at / columns;
        if (!rows->drop)
            return fail_value(rows, of_context, row, at % columns, values[at]);
        piece->weight[row] = -1;
        at = (row + 1) * columns;
    }
    return FLO_OK;
}

static flo_status check_weights(const flo_rows *rows, const flo_batch *piece)
{
    const int64_t column = rows->columns.weight >= 0 ? rows->columns.weight : 0;
    for (int64_t i = 0; i < piece->rows; ++i)
        if (!(piece->weight[i] >= 0 && isfinite(piece->weight[i])) && !rows->drop)
            return fail_bad(rows, rows->file, rows->weight_name, i, column,
                            piece->weight[i], "a finite weight that is not negative");
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

static flo_status check_piece(const flo_rows *rows, const flo_batch *piece,
                              int64_t *bad)
{
    FLO_TRY(check_weights(rows, piece));
    FLO_TRY(check_values(rows, false, rows->columns.features, piece->x, piece));
    FLO_TRY(check_values(rows, true, rows->contexts, piece->context, piece));
    const int64_t dropped = rows->drop ? drop_bad(rows, piece) : 0;
    if (bad)
        *bad += dropped;
    return FLO_OK;
}

flo_status flo_rows_read(flo_rows *rows, int64_t first, int64_t count, flo_batch *batch,
                         int64_t *bad)
{
    assert(first >= 0 && count >= 0 && first <= rows->membership.count - count);
    const int64_t D = rows->columns.features, C = rows->contexts;
    batch->rows = count;
    for (int64_t done = 0; done < count; done += rows->piece_rows) {
        const int64_t n = smaller(rows->piece_rows, count - done);
        const flo_batch piece = {n, batch->x + done * D,
                                 C ? batch->context + done * C : NULL,
                                 batch->weight + done};
        flo_membership_locate(&rows->membership, first + done, n, rows->stored);
        FLO_TRY(read_piece(rows, &piece));
        FLO_TRY(check_piece(rows, &piece, bad));
    }
    return FLO_OK;
}

/* The row of sample `i` of `samples`: from the first to the last, evenly. */
static int64_t sample_row(int64_t count, int64_t samples, int64_t i)
{
    return samples > 1
               ? (int64_t)((double)(count - 1) * (double)i / (double)(samples - 1))
               : 0;
}

flo_status flo_rows_fingerprint(flo_rows *rows, uint64_t *fingerprint)
{
    const int64_t D = rows->columns.features, C = rows->contexts;
    const int64_t count = rows->membership.count;
    const int64_t samples = smaller(SAMPLES, count), width = D + C + 1;
    /* Shapes as two reals each would lose bits: they get a hash of their own. */
    const int64_t shape[3] = {count, D, C};
    flo_real *content;
    FLO_TRY(flo_allocate(rows->context, samples * width, sizeof *content, &content));
    flo_status status = FLO_OK;
    for (int64_t i = 0; status == FLO_OK && i < samples; ++i) {
        flo_real *const x = content + i * width;
        flo_batch row = {1, x, x + D, x + D + C};
        status = flo_rows_read(rows, sample_row(count, samples, i), 1, &row, NULL);
    }
    if (status == FLO_OK) {
        const uint64_t parts[2] = {
            flo_checksum(shape, sizeof shape),
            flo_checksum(content, (size_t)(samples * width) * sizeof *content)};
        *fingerprint = flo_checksum(parts, sizeof parts);
    }
    flo_free(rows->context, &content);
    return status;
}
