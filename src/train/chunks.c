/* Rows read in chunks of whole tiles, each with its log-density. */
#include "train/chunks.h"

flo_status flo_chunks_create(flo_context *context, flo_rows *rows, flo_chunks *c)
{
    const int64_t D = flo_rows_features(rows), C = flo_rows_context_features(rows);
    *c = (flo_chunks){.context = context, .rows = rows};
    c->count = (flo_rows_count(rows) + FLO_CHUNK_ROWS - 1) / FLO_CHUNK_ROWS;
    flo_status status =
        flo_allocate(context, FLO_CHUNK_ROWS * D, sizeof(flo_real), &c->batch.x);
    if (status == FLO_OK)
        status = flo_allocate(context, FLO_CHUNK_ROWS * C, sizeof(flo_real),
                              &c->batch.context);
    if (status == FLO_OK)
        status =
            flo_allocate(context, FLO_CHUNK_ROWS, sizeof(flo_real), &c->batch.weight);
    if (status == FLO_OK)
        status = flo_allocate(context, FLO_CHUNK_ROWS, sizeof(double), &c->log_prob);
    if (status != FLO_OK)
        flo_chunks_free(c);
    return status;
}

void flo_chunks_free(flo_chunks *c)
{
    flo_free(c->context, &c->batch.x);
    flo_free(c->context, &c->batch.context);
    flo_free(c->context, &c->batch.weight);
    flo_free(c->context, &c->log_prob);
}

flo_status flo_chunks_log_prob(flo_chunks *c, flo_tiles *tiles, const flo_real *theta,
                               int64_t chunk)
{
    const int64_t first = chunk * FLO_CHUNK_ROWS;
    const int64_t left = flo_rows_count(c->rows) - first;
    const int64_t count = left < FLO_CHUNK_ROWS ? left : FLO_CHUNK_ROWS;
    FLO_TRY(flo_rows_read(c->rows, first, count, &c->batch, NULL));
    c->batch.rows = count;
    flo_tiles_log_prob(tiles, theta, count, c->batch.x, c->batch.context, c->log_prob);
    return FLO_OK;
}
