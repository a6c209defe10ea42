/* Correlations: sums of squares by part of the rows, parts added in the tree's order.
 */
#include "train/covariance.h"

#include "core/integers.h"
#include "core/lane_tree.h"
#include "linalg/symmetric.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = FLO_SYMMETRIC_ROWS,
    MOST_PARTS = 16,
    PART_DOUBLES = 1 << 22, /* of the matrices of all parts */
    SHARED_DOUBLES = 1 << 20
};
static const double most_products = 0x1p38;
static const int64_t most_rows = (int64_t)1 << 22;
static const double least_shrinkage = 1e-7;

typedef struct collection {
    flo_comm *comm;       /* borrowed */
    flo_context *context; /* borrowed */
    const flo_covariance_task *task;
    flo_covariance *result;
    int64_t parts, part_rows;      /* rows looked at of a part, at most */
    int64_t first_part, last_part; /* of this rank */
    flo_batch piece;               /* room for BLOCK rows */
    double *scaled;                /* [BLOCK, m] */
    double *matrix;                /* [own parts, m, m] */
    double *weight;                /* [3, parts]: sums of w and w^2, rows */
    double *slots;
} collection;

static flo_status prepare(collection *c)
{
    flo_context *const context = c->context;
    flo_covariance *const r = c->result;
    const int64_t D = flo_rows_features(c->task->rows);
    const int64_t C = flo_rows_context_features(c->task->rows);
    const int64_t own = c->last_part - c->first_part;
    FLO_TRY(flo_allocate(context, BLOCK * D, sizeof(flo_real), &c->piece.x));
    FLO_TRY(flo_allocate(context, BLOCK * C, sizeof(flo_real), &c->piece.context));
    FLO_TRY(flo_allocate(context, BLOCK, sizeof(flo_real), &c->piece.weight));
    FLO_TRY(flo_allocate(context, BLOCK * r->size, sizeof(double), &c->scaled));
    FLO_TRY(flo_allocate(context, own * r->size * r->size, sizeof(double), &c->matrix));
    FLO_TRY(flo_allocate(context, 3 * c->parts, sizeof(double), &c->weight));
    FLO_TRY(flo_allocate(context, SHARED_DOUBLES, sizeof(double), &c->slots));
    FLO_TRY(flo_allocate(context, r->columns, sizeof(double), &r->mean));
    FLO_TRY(flo_allocate(context, r->columns, sizeof(double), &r->deviation));
    FLO_TRY(flo_allocate(context, r->size * r->size, sizeof(double), &r->factor));
    return flo_allocate(context, r->size * r->size, sizeof(double), &r->inverse);
}

static void release(collection *c)
{
    flo_free(c->context, &c->piece.x);
    flo_free(c->context, &c->piece.context);
    flo_free(c->context, &c->piece.weight);
    flo_free(c->context, &c->scaled);
    flo_free(c->context, &c->matrix);
    flo_free(c->context, &c->weight);
    flo_free(c->context, &c->slots);
}

/* The statistics have the features first; noise widens the columns that have it. */
static void place_moments(const collection *c)
{
    flo_covariance *const r = c->result;
    const flo_statistics *const s = c->task->statistics;
    for (int64_t i = 0; i < r->columns; i++) {
        const int64_t j = i < r->context ? r->features + i : i - r->context;
        const double noise =
            c->task->noise && i >= r->context ? c->task->noise[i - r->context] : 0;
        const double deviation = sqrt(s->deviation[j] * s->deviation[j] + noise);
        r->mean[i] = s->mean[j];
        r->deviation[i] = deviation > 0 ? deviation : 1;
    }
}

/* One row of n numbers, as far as they are features or context, scaled. */
static void scale(int64_t n, const flo_real *x, double w, const double *mean,
                  const double *deviation, double *scaled)
{
    for (int64_t j = 0; j < n; j++)
        scaled[j] = w * ((double)x[j] - mean[j]) / deviation[j];
}

/* The rows of the piece times the roots of their weights; rows behind them are 0. */
static void scale_piece(collection *c, int64_t part)
{
    const flo_covariance *const r = c->result;
    const int64_t m = r->size, C = r->context, D = r->features;
    memset(c->scaled, 0, (size_t)(BLOCK * m) * sizeof *c->scaled);
    for (int64_t i = 0; i < c->piece.rows; i++) {
        const double w = (double)c->piece.weight[i];
        double *const to = c->scaled + i * m;
        if (!(w > 0))
            continue;
        if (C)
            scale(C, c->piece.context + i * C, sqrt(w), r->mean, r->deviation, to);
        scale(D, c->piece.x + i * D, sqrt(w), r->mean + C, r->deviation + C, to + C);
        c->weight[part] += w;
        c->weight[c->parts + part] += w * w;
        c->weight[2 * c->parts + part] += 1;
    }
}

static flo_status sum_part(collection *c, int64_t part)
{
    const int64_t m = c->result->size, N = flo_rows_count(c->task->rows);
    const int64_t begin = flo_lane_first(N, c->parts, part);
    const int64_t end =
        flo_lesser(flo_lane_first(N, c->parts, part + 1), begin + c->part_rows);
    const flo_row_map *const map = c->task->map;
    for (int64_t first = begin; first < end; first += BLOCK) {
        FLO_TRY(flo_rows_read(c->task->rows, first, flo_lesser(BLOCK, end - first),
                              &c->piece, NULL));
        if (map)
            FLO_TRY(map->apply(map->data, first, &c->piece));
        scale_piece(c, part);
        flo_symmetric_add(m, c->scaled, c->task->threads,
                          c->matrix + (part - c->first_part) * m * m);
    }
    return FLO_OK;
}

static flo_status sum_parts(collection *c)
{
    for (int64_t part = c->first_part; part < c->last_part; part++)
        FLO_TRY(sum_part(c, part));
    return FLO_OK;
}

/* Adds the matrices of all parts into the result, through slots [count, parts] in which
   every rank fills in its own parts. */
static void share(const collection *c)
{
    const int64_t size = c->result->size * c->result->size, P = c->parts;
    for (int64_t begin = 0; begin < size; begin += SHARED_DOUBLES / P) {
        const int64_t count = flo_lesser(SHARED_DOUBLES / P, size - begin);
        memset(c->slots, 0, (size_t)(count * P) * sizeof *c->slots);
        for (int64_t part = c->first_part; part < c->last_part; part++)
            for (int64_t i = 0; i < count; i++)
                c->slots[i * P + part] =
                    c->matrix[(part - c->first_part) * size + begin + i];
        if (flo_comm_size(c->comm) > 1)
            flo_comm_share(c->comm, c->slots, count * P);
        for (int64_t i = 0; i < count; i++)
            c->result->factor[begin + i] = flo_lane_sum_doubles(P, c->slots + i * P);
    }
}

/* How far correlations are drawn to 0: OAS, of columns of variance 1, over `rows` rows
   of equal weight; `squares` the sum of all r^2. */
static double oas(double n, double rows, double squares)
{
    const double above = (1 - 2 / n) * squares + n * n;
    const double below = (rows + 1 - 2 / n) * (squares - n);
    if (!(below > 0) || above > below)
        return 1;
    return fmax(above / below, least_shrinkage);
}

/* From sums of squares to correlations, drawn to 0; columns behind the last are 1. */
static void shrink(const collection *c, double effective_rows)
{
    flo_covariance *const r = c->result;
    const int64_t m = r->size, C = r->context;
    double *const a = r->factor, *const root = c->scaled;
    const double total = flo_lane_sum_doubles(c->parts, c->weight);
    double squares = 0;
    for (int64_t i = 0; i < r->columns; i++) {
        const double noise = c->task->noise && i >= C ? c->task->noise[i - C] : 0;
        const double variance =
            a[i * m + i] / total + noise / (r->deviation[i] * r->deviation[i]);
        root[i] = variance > 0 ? 1 / sqrt(variance) : 0;
        for (int64_t j = 0; j < i; j++) {
            a[i * m + j] *= root[i] * root[j] / total;
            squares += 2 * a[i * m + j] * a[i * m + j];
        }
    }
    r->shrinkage =
        oas((double)r->columns, effective_rows, squares + (double)r->columns);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < i; j++)
            a[i * m + j] *= 1 - r->shrinkage;
        a[i * m + i] = 1;
    }
}

/* Everything here is the same on all ranks, failure too. */
static flo_status combine(collection *c)
{
    flo_covariance *const r = c->result;
    flo_comm_share(c->comm, c->weight, 3 * c->parts);
    share(c);
    const double w = flo_lane_sum_doubles(c->parts, c->weight);
    const double w2 = flo_lane_sum_doubles(c->parts, c->weight + c->parts);
    r->rows = (int64_t)flo_lane_sum_doubles(c->parts, c->weight + 2 * c->parts);
    if (!r->rows)
        return flo_rows_fail_weightless(c->task->rows);
    shrink(c, w * w / w2);
    if (!flo_symmetric_factor(r->size, c->task->threads, r->factor))
        return flo_fail(c->context, FLO_ERROR_DATA,
                        "%s: data set '%s': the correlations of its columns have no "
                        "Cholesky factor, wanted finite numbers; look for extreme rows",
                        flo_rows_file(c->task->rows), flo_rows_dataset(c->task->rows));
    flo_symmetric_invert(r->size, c->task->threads, r->factor, r->inverse);
    return FLO_OK;
}

static flo_status collect(collection *c)
{
    FLO_TRY(flo_comm_agree(c->comm, c->context, prepare(c)));
    place_moments(c);
    FLO_TRY(flo_comm_agree(c->comm, c->context, sum_parts(c)));
    return combine(c);
}

static flo_status check_columns(flo_context *context, int64_t columns)
{
    if (columns <= FLO_COVARIANCE_COLUMNS)
        return FLO_OK;
    return flo_fail(context, FLO_ERROR_MEMORY,
                    "correlations of %lld columns, wanted at most %d",
                    (long long)columns, FLO_COVARIANCE_COLUMNS);
}

flo_status flo_covariance_collect(flo_comm *comm, flo_context *context,
                                  const flo_covariance_task *task, flo_covariance *r)
{
    const int64_t D = flo_rows_features(task->rows), N = flo_rows_count(task->rows);
    const int64_t C = task->context ? flo_rows_context_features(task->rows) : 0;
    const int rank = flo_comm_rank(comm), size = flo_comm_size(comm);
    *r = (flo_covariance){.context = C, .features = D, .columns = C + D};
    FLO_TRY(check_columns(context, r->columns));
    r->size = flo_symmetric_padded(r->columns);
    const int64_t square = r->size * r->size;
    const int64_t parts = flo_greater(1, flo_lesser(MOST_PARTS, PART_DOUBLES / square));
    const int64_t rows =
        flo_lesser(most_rows, (int64_t)(most_products / (double)square));
    collection c = {.comm = comm,
                    .context = context,
                    .task = task,
                    .result = r,
                    .parts = flo_lesser(parts, N),
                    .first_part = flo_lane_first(flo_lesser(parts, N), size, rank),
                    .last_part = flo_lane_first(flo_lesser(parts, N), size, rank + 1)};
    c.part_rows = flo_divide_up(rows, c.parts);
    const flo_status status = collect(&c);
    release(&c);
    if (status != FLO_OK)
        flo_covariance_free(context, r);
    return status;
}

void flo_covariance_free(flo_context *context, flo_covariance *r)
{
    flo_free(context, &r->mean);
    flo_free(context, &r->deviation);
    flo_free(context, &r->factor);
    flo_free(context, &r->inverse);
}
