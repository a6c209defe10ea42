/* What a run remembers of its data, to know it again: a hash of shape and samples. */
#include "data/rows_private.h"

#include "core/checksum.h"

enum { SAMPLES = 512 }; /* rows that are looked at */

/* The row of sample `i` of `samples`: from the first to the last, evenly. */
static int64_t sample_row(int64_t count, int64_t samples, int64_t i)
{
    return samples > 1
               ? (int64_t)((double)(count - 1) * (double)i / (double)(samples - 1))
               : 0;
}

static flo_status hash_samples(flo_rows *rows, uint64_t *fingerprint)
{
    const int64_t D = rows->columns.features, C = rows->contexts;
    const int64_t count = rows->membership.count;
    const int64_t samples = count < SAMPLES ? count : SAMPLES, width = D + C + 1;
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

/* A bad row is one that was dropped: whoever reads all rows names the first. */
flo_status flo_rows_fingerprint(flo_rows *rows, uint64_t *fingerprint)
{
    const bool drop = rows->drop;
    rows->drop = true;
    const flo_status status = hash_samples(rows, fingerprint);
    rows->drop = drop;
    return status;
}

flo_status flo_rows_agree(flo_comm *comm, flo_rows *rows, uint64_t *fingerprint)
{
    flo_context *const context = rows->context;
    FLO_TRY(flo_comm_agree(comm, context, flo_rows_fingerprint(rows, fingerprint)));
    if (flo_comm_same(comm, *fingerprint))
        return FLO_OK;
    return flo_fail(context, FLO_ERROR_DATA,
                    "%s: data set '%s': ranks see other rows in it, wanted the same "
                    "files on all nodes (rank 0: %lld rows in %lld files): is a copy "
                    "stale, or a pattern matched by other files there?",
                    flo_rows_file(rows), flo_rows_dataset(rows),
                    (long long)flo_rows_count(rows),
                    (long long)flo_source_describe(rows->data)->shards);
}
