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
    SHARED_DOUBLES = 1 << 20,
    FINE_COLUMNS = 512, /* up to which the search for s is a fine one */
    FINE_TURNS = 18,
    TURNS = 10
};
static const double most_products = 0x1p38;
static const int64_t most_rows = (int64_t)1 << 22;
/* Shares of 1e-7, so that copied columns have a density, and of 0.9999. */
static const double least_odds = -16.1, most_odds = 9.2;
/* So few rows, left out one by one, tell nothing of correlations. */
static const double least_rows = 8;

/* Room in which ranks share the matrices of all parts, piece by piece. */
static int64_t slots_of(int64_t size, int64_t parts)
{
    return flo_lesser(SHARED_DOUBLES, size * size * parts);
}

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
    double *correlation;           /* [m, m] */
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
    FLO_TRY(flo_allocate(context, r->size * r->size, sizeof(double), &c->correlation));
    FLO_TRY(flo_allocate(context, 3 * c->parts, sizeof(double), &c->weight));
    FLO_TRY(
        flo_allocate(context, slots_of(r->size, c->parts), sizeof(double), &c->slots));
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
    flo_free(c->context, &c->correlation);
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

/* Where element e of the columns' own square stands in a padded matrix. */
static int64_t place_of(const flo_covariance *r, int64_t e)
{
    return e / r->columns * r->size + e % r->columns;
}

/* Adds the matrices of all parts into the result, through slots [count, parts] in which
   every rank fills in its own parts. The padding is 0 and stays at home. */
static void share(const collection *c)
{
    const flo_covariance *const r = c->result;
    const int64_t square = r->size * r->size, P = c->parts;
    const int64_t all = r->columns * r->columns;
    memset(c->correlation, 0, (size_t)square * sizeof *c->correlation);
    for (int64_t begin = 0; begin < all; begin += SHARED_DOUBLES / P) {
        const int64_t count = flo_lesser(SHARED_DOUBLES / P, all - begin);
        memset(c->slots, 0, (size_t)(count * P) * sizeof *c->slots);
        for (int64_t part = c->first_part; part < c->last_part; part++)
            for (int64_t i = 0; i < count; i++)
                c->slots[i * P + part] =
                    c->matrix[(part - c->first_part) * square + place_of(r, begin + i)];
        if (flo_comm_size(c->comm) > 1)
            flo_comm_share(c->comm, c->slots, count * P);
        for (int64_t i = 0; i < count; i++)
            c->correlation[place_of(r, begin + i)] =
                flo_lane_sum_doubles(P, c->slots + i * P);
    }
}

/* From sums of squares to correlations; columns behind the last are 1. */
static void normalise(const collection *c)
{
    const flo_covariance *const r = c->result;
    const int64_t m = r->size, C = r->context;
    double *const a = c->correlation, *const root = c->scaled;
    const double total = flo_lane_sum_doubles(c->parts, c->weight);
    for (int64_t i = 0; i < r->columns; i++) {
        const double noise = c->task->noise && i >= C ? c->task->noise[i - C] : 0;
        const double variance =
            a[i * m + i] / total + noise / (r->deviation[i] * r->deviation[i]);
        root[i] = variance > 0 ? 1 / sqrt(variance) : 0;
        for (int64_t j = 0; j < i; j++)
            a[i * m + j] *= root[i] * root[j] / total;
    }
    for (int64_t i = 0; i < m; i++)
        a[i * m + i] = 1;
}

/* The factor of b R + s, R the correlations; false where it has none. */
static bool factor(const collection *c, double b, double s)
{
    const flo_covariance *const r = c->result;
    const int64_t m = r->size;
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < i; j++)
            r->factor[i * m + j] = b * c->correlation[i * m + j];
        r->factor[i * m + i] = b + s;
    }
    return flo_symmetric_factor(m, c->task->threads, r->factor);
}

/* Twice the mean log-likelihood, but for a constant, of each of `rows` rows under a
   normal of the others' correlations shrunk by s, as far as the rows' distances are all
   like their mean. */
static double left_out(const collection *c, double rows, double s)
{
    const flo_covariance *const r = c->result;
    const int64_t m = r->size, n = r->columns;
    const double weight = (1 - s) / (rows - 1), b = rows * weight;
    double logdet = 0, trace = 0;
    if (!factor(c, b, s))
        return -INFINITY;
    flo_symmetric_invert(m, c->task->threads, r->factor, r->inverse);
    for (int64_t i = 0; i < n; i++) {
        logdet += 2 * log(r->factor[i * m + i]);
        for (int64_t j = 0; j <= i; j++)
            trace += r->inverse[i * m + j] * r->inverse[i * m + j];
    }
    const double distance = ((double)n - s * trace) / b, left = 1 - weight * distance;
    return left > 0 ? -logdet - log(left) - distance / left : -INFINITY;
}

static double share_of(double odds)
{
    return 1 / (1 + exp(-odds));
}

/* The s of the greatest left_out, by golden section over log(s / (1 - s)); 1 where that
   is as good, or rows are very few. */
static double choose_shrinkage(const collection *c, double rows)
{
    const double golden = 0.6180339887498949;
    const int turns = c->result->columns <= FINE_COLUMNS ? FINE_TURNS : TURNS;
    double low = least_odds, high = most_odds;
    if (!(rows >= least_rows))
        return 1;
    double a = high - golden * (high - low), b = low + golden * (high - low);
    double at_a = left_out(c, rows, share_of(a)), at_b = left_out(c, rows, share_of(b));
    for (int turn = 0; turn < turns; turn++) {
        if (at_a >= at_b) {
            high = b;
            b = a;
            at_b = at_a;
            a = high - golden * (high - low);
            at_a = left_out(c, rows, share_of(a));
        } else {
            low = a;
            a = b;
            at_a = at_b;
            b = low + golden * (high - low);
            at_b = left_out(c, rows, share_of(b));
        }
    }
    return -(double)c->result->columns >= fmax(at_a, at_b) ? 1
                                                           : share_of((low + high) / 2);
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
    normalise(c);
    r->shrinkage = choose_shrinkage(c, w * w / w2);
    if (!factor(c, 1 - r->shrinkage, r->shrinkage))
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

static int64_t parts_of(int64_t size)
{
    return flo_greater(1, flo_lesser(MOST_PARTS, PART_DOUBLES / (size * size)));
}

double flo_covariance_bytes(int64_t columns)
{
    const int64_t size = flo_symmetric_padded(columns);
    const int64_t parts = parts_of(size);
    if (columns > FLO_COVARIANCE_COLUMNS)
        return 0;
    return (double)((3 + parts) * size * size + slots_of(size, parts)) * sizeof(double);
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
    const int64_t parts = parts_of(r->size);
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
