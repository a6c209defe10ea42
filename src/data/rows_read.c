/* Reading rows of a split: stored rows found and read, columns dealt out. */
#include "data/rows_private.h"

#include "core/integers.h"

#include <assert.h>
#include <string.h>

enum {
    PIECE_BYTES = 1 << 20, /* what is read and checked at a time: stays in the cache */
    GAP_BYTES = 1 << 14    /* reading over so much costs less than another call */
};

flo_status flo_rows_prepare(flo_rows *rows)
{
    const int64_t widest = flo_greater(rows->width, rows->contexts);
    const int64_t row_bytes = widest * (int64_t)sizeof(flo_real);
    rows->piece_rows = flo_greater(1, PIECE_BYTES / row_bytes);
    FLO_TRY(flo_arena_take(rows->arena, rows->piece_rows, sizeof *rows->stored,
                           &rows->stored));
    if (rows->width > rows->columns.features)
        FLO_TRY(flo_arena_take(rows->arena, rows->piece_rows * rows->width,
                               sizeof *rows->wide, &rows->wide));
    if (rows->membership.all)
        return FLO_OK;
    rows->span_rows = rows->piece_rows;
    return flo_arena_take(rows->arena, rows->span_rows * widest, sizeof *rows->span,
                          &rows->span);
}

static int64_t source_bytes(const flo_source *source)
{
    return source ? flo_source_bytes(source) : 0;
}

int64_t flo_rows_bytes(const flo_rows *rows)
{
    const int64_t widest = flo_greater(rows->width, rows->contexts);
    const int64_t reals = (rows->wide ? rows->piece_rows * rows->width : 0) +
                          (rows->span ? rows->span_rows * widest : 0);
    return rows->piece_rows * (int64_t)sizeof *rows->stored +
           reals * (int64_t)sizeof(flo_real) + source_bytes(rows->data) +
           source_bytes(rows->context_data) + source_bytes(rows->weight_data);
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

/* The chosen columns [columns] of stored rows rows->stored [n] of a source: out [n,
   columns]. */
static flo_status read_stored(flo_rows *rows, flo_source *source, int64_t columns,
                              int64_t n, flo_real *out)
{
    if (rows->membership.all)
        return flo_source_read(source, rows->stored[0], n, columns, out);
    const size_t bytes = (size_t)columns * sizeof *out;
    int64_t length;
    for (int64_t i = 0; i < n; i += length) {
        const int64_t *const stored = rows->stored + i;
        length = run_length(rows, stored, n - i, columns);
        FLO_TRY(flo_source_read(source, stored[0], stored[length - 1] - stored[0] + 1,
                                columns, rows->span));
        for (int64_t j = 0; j < length; ++j)
            memcpy(out + (i + j) * columns,
                   rows->span + (stored[j] - stored[0]) * columns, bytes);
    }
    return FLO_OK;
}

/* Columns [first, first + k) of wide [n, width]: out [n, k]. */
static void deal_out(const flo_rows *rows, int64_t n, int64_t first, int64_t k,
                     flo_real *out)
{
    for (int64_t i = 0; i < n && k > 0; ++i)
        memcpy(out + i * k, rows->wide + i * rows->width + first,
               (size_t)k * sizeof *out);
}

static flo_status read_piece(flo_rows *rows, const flo_batch *piece)
{
    const int64_t n = piece->rows, D = rows->columns.features;
    const int64_t contexts = rows->columns.contexts;
    FLO_TRY(read_stored(rows, rows->data, rows->width, n,
                        rows->wide ? rows->wide : piece->x));
    if (rows->wide) {
        deal_out(rows, n, 0, D, piece->x);
        deal_out(rows, n, D, contexts, piece->context);
    }
    if (rows->context_data)
        FLO_TRY(
            read_stored(rows, rows->context_data, rows->contexts, n, piece->context));
    if (rows->weight_data)
        return read_stored(rows, rows->weight_data, 1, n, piece->weight);
    if (rows->columns.weight >= 0)
        deal_out(rows, n, D + contexts, 1, piece->weight);
    else
        for (int64_t i = 0; i < n; ++i)
            piece->weight[i] = 1;
    return FLO_OK;
}

flo_status flo_rows_read(flo_rows *rows, int64_t first, int64_t count, flo_batch *batch,
                         int64_t *bad)
{
    assert(first >= 0 && count >= 0 && first <= rows->membership.count - count);
    const int64_t D = rows->columns.features, C = rows->contexts;
    batch->rows = count;
    for (int64_t done = 0; done < count; done += rows->piece_rows) {
        const int64_t n = flo_lesser(rows->piece_rows, count - done);
        const flo_batch piece = {n, batch->x + done * D,
                                 C ? batch->context + done * C : NULL,
                                 batch->weight + done};
        flo_membership_locate(&rows->membership, first + done, n, rows->stored);
        FLO_TRY(read_piece(rows, &piece));
        FLO_TRY(flo_rows_check(rows, &piece, bad));
        flo_worked(rows->context);
    }
    return FLO_OK;
}
