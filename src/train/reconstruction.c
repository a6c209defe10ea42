/* The reconstruction error over all ranks: chunks dealt to ranks, moments and the worst
   of every column kept by chunk and put together in the order of chunks. */
#include "train/reconstruction.h"

#include "core/integers.h"
#include "core/lane_tree.h"
#include "core/vector.h"
#include "flow/angles.h"
#include "train/chunks.h"

#include <math.h>

/* Of one column: rows, their mean, sum of squares around it, largest error, its row. */
enum { COUNT, MEAN, SQUARES, ERROR, ROW, NUMBERS };

/* Of angles, what is left without whole turns: samples lie in one branch. */
static double distance(flo_real x, flo_real back, double turn)
{
    const double apart = (double)x - (double)back;
    const double error = fabs(turn > 0 ? remainder(apart, turn) : apart);
    return isfinite(error) ? error : (double)INFINITY;
}

/* Column j of a chunk whose first row is `first`. Values are taken from that of the
   first row, so that a constant column has no spread at all; one that is not finite,
   which a layer refused, is an error and no part of the spread. */
static void see_column(const flo_batch *batch, const flo_real *back, int64_t D,
                       int64_t first, int64_t j, double turn, double *column)
{
    const double shift = isfinite(batch->x[j]) ? (double)batch->x[j] : 0;
    double sum = 0, squares = 0;
    column[ROW] = -1;
    for (int64_t i = 0; i < batch->rows; i++) {
        if (batch->weight[i] == 0)
            continue;
        const double d = (double)batch->x[i * D + j] - shift;
        const double error = distance(batch->x[i * D + j], back[i * D + j], turn);
        sum += isfinite(d) ? d : 0;
        squares += isfinite(d) ? d * d : 0;
        column[COUNT] += 1;
        if (column[ROW] < 0 || error > column[ERROR]) {
            column[ERROR] = error;
            column[ROW] = (double)(first + i);
        }
    }
    const double n = column[COUNT] > 0 ? column[COUNT] : 1;
    column[MEAN] = shift + sum / n;
    column[SQUARES] = fmax(squares - sum * sum / n, 0);
}

static bool is_finite(int64_t count, const flo_real *values)
{
    return flo_vector_first_nonfinite(count, values) == count;
}

/* Rows of chunk k to noise and back. Those that are missing or have probability zero
   are no part of it: they have no place in noise to come back from. */
static flo_status reconstruct(flo_chunks *c, flo_tiles *tiles, const flo_real *theta,
                              int64_t k, flo_real *back)
{
    const int64_t first = k * FLO_CHUNK_ROWS, D = flo_rows_features(c->rows);
    const int64_t left = FLO_RECONSTRUCTION_ROWS - first;
    FLO_TRY(flo_chunks_read(c, k));
    c->batch.rows = c->batch.rows < left ? c->batch.rows : left;
    flo_tiles_reconstruct(tiles, theta, first, c->batch.rows, c->batch.x,
                          c->batch.context, c->batch.x, back);
    if (is_finite(c->batch.rows * D, back))
        return FLO_OK;
    FLO_TRY(flo_chunks_log_prob(c, tiles, theta, k));
    c->batch.rows = c->batch.rows < left ? c->batch.rows : left;
    for (int64_t i = 0; i < c->batch.rows; i++)
        if (!is_finite(D, c->batch.x + i * D) || c->log_prob[i] == -(double)INFINITY)
            c->batch.weight[i] = 0;
    flo_tiles_reconstruct(tiles, theta, first, c->batch.rows, c->batch.x,
                          c->batch.context, c->batch.x, back);
    return FLO_OK;
}

static flo_status walk(flo_comm *comm, flo_chunks *c, flo_tiles *tiles,
                       const flo_real *theta, int64_t chunks, flo_real *back,
                       double *numbers)
{
    const int ranks = flo_comm_size(comm), rank = flo_comm_rank(comm);
    const int64_t D = flo_rows_features(c->rows);
    const int64_t last = flo_lane_first(chunks, ranks, rank + 1);
    for (int64_t k = flo_lane_first(chunks, ranks, rank); k < last; k++) {
        FLO_TRY(reconstruct(c, tiles, theta, k, back));
        for (int64_t j = 0; j < D; j++)
            see_column(&c->batch, back, D, k * FLO_CHUNK_ROWS, j,
                       flo_angles_turn(flo_tiles_flow(tiles), j),
                       numbers + (k * D + j) * NUMBERS);
    }
    return FLO_OK;
}

/* Adds what one chunk saw of a column to what the chunks before it saw (Chan et al.
   1983). */
static void merge(double *column, const double *more)
{
    const double n = column[COUNT] + more[COUNT];
    const double d = more[MEAN] - column[MEAN];
    if (more[COUNT] == 0)
        return;
    column[SQUARES] += more[SQUARES] + d * d * column[COUNT] * more[COUNT] / n;
    column[MEAN] += d * more[COUNT] / n;
    if (column[COUNT] == 0 || more[ERROR] > column[ERROR]) {
        column[ERROR] = more[ERROR];
        column[ROW] = more[ROW];
    }
    column[COUNT] = n;
}

static double unit_of(const double *column)
{
    const double deviation = sqrt(column[SQUARES] / column[COUNT]);
    if (deviation > 0)
        return deviation;
    return column[MEAN] != 0 ? fabs(column[MEAN]) : 1;
}

static void finish(int64_t chunks, int64_t D, const double *numbers,
                   flo_reconstruction *r)
{
    *r = (flo_reconstruction){.row = -1, .column = -1};
    for (int64_t j = 0; j < D; j++) {
        double column[NUMBERS] = {0};
        for (int64_t k = 0; k < chunks; k++)
            merge(column, numbers + (k * D + j) * NUMBERS);
        r->rows = (int64_t)column[COUNT];
        if (r->rows == 0)
            return;
        const double error = column[ERROR] / unit_of(column);
        if (r->row >= 0 && !(error > r->error))
            continue;
        r->error = error;
        r->row = (int64_t)column[ROW];
        r->column = j;
    }
}

flo_status flo_reconstruct(flo_comm *comm, flo_context *context, flo_tiles *tiles,
                           const flo_real *theta, flo_rows *rows, flo_reconstruction *r)
{
    const int64_t N = flo_rows_count(rows), D = flo_rows_features(rows);
    const int64_t most = N < FLO_RECONSTRUCTION_ROWS ? N : FLO_RECONSTRUCTION_ROWS;
    const int64_t chunks = flo_divide_up(most, FLO_CHUNK_ROWS);
    flo_chunks c = {.context = context};
    flo_real *back = NULL;
    double *numbers = NULL;
    flo_status status =
        flo_allocate(context, chunks * D * NUMBERS, sizeof *numbers, &numbers);
    if (status == FLO_OK)
        status = flo_allocate(context, FLO_CHUNK_ROWS * D, sizeof *back, &back);
    if (status == FLO_OK)
        status = flo_chunks_create(context, rows, &c);
    if (status == FLO_OK)
        status = walk(comm, &c, tiles, theta, chunks, back, numbers);
    status = flo_comm_agree(comm, context, status);
    if (status == FLO_OK) {
        flo_comm_share(comm, numbers, chunks * D * NUMBERS);
        finish(chunks, D, numbers, r);
    }
    flo_chunks_free(&c);
    flo_free(context, &back);
    flo_free(context, &numbers);
    return status;
}
