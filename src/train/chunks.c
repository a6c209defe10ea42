/* Rows read in chunks of whole tiles, each with its log-density. */
#include "train/chunks.h"

#include "core/integers.h"

#include <math.h>

flo_status flo_chunks_create(flo_context *context, flo_rows *rows, flo_chunks *c)
{
    const int64_t D = flo_rows_features(rows), C = flo_rows_context_features(rows);
    *c = (flo_chunks){.context = context, .rows = rows};
    c->count = flo_divide_up(flo_rows_count(rows), FLO_CHUNK_ROWS);
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
    if (status == FLO_OK)
        status =
            flo_allocate(context, FLO_CHUNK_ROWS, sizeof(double), &c->preprocessed);
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
    flo_free(c->context, &c->preprocessed);
}

/* A dropped row has no density: zeros of weight 0 stand in its place. */
static void blank_dropped(flo_chunks *c)
{
    const int64_t D = flo_rows_features(c->rows);
    for (int64_t i = 0; i < c->batch.rows; i++) {
        bool zeros = c->batch.weight[i] == 0;
        for (int64_t j = 0; zeros && j < D; j++)
            zeros = c->batch.x[i * D + j] == 0;
        if (zeros)
            c->log_prob[i] = c->preprocessed[i] = NAN;
    }
}

flo_status flo_chunks_read(flo_chunks *c, int64_t chunk)
{
    const int64_t first = chunk * FLO_CHUNK_ROWS;
    const int64_t left = flo_rows_count(c->rows) - first;
    c->bad_rows = 0;
    return flo_rows_read(c->rows, first, left < FLO_CHUNK_ROWS ? left : FLO_CHUNK_ROWS,
                         &c->batch, &c->bad_rows);
}

flo_status flo_chunks_log_prob(flo_chunks *c, flo_tiles *tiles, const flo_real *theta,
                               int64_t chunk)
{
    FLO_TRY(flo_chunks_read(c, chunk));
    flo_tiles_log_prob(tiles, theta, chunk * FLO_CHUNK_ROWS, c->batch.rows, c->batch.x,
                       c->batch.context, c->log_prob, c->preprocessed);
    if (c->bad_rows)
        blank_dropped(c);
    return FLO_OK;
}
