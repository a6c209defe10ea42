/* Two normals of the training rows, and what they give other rows. */
#include "train/normals.h"

#include "core/integers.h"
#include "core/lane_tree.h"
#include "linalg/symmetric.h"
#include "train/chunks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = FLO_SYMMETRIC_ROWS, KINDS = 2 };
static const double log_two_pi = 1.8378770664093454836;

/* Sums of one chunk: of w, w^2, and of each kind w l, w^2 l, w^2 l^2. */
enum { W, W2, L, SUMS = L + 3 * KINDS };

/* Columns that are dequantized, as far as their layer has the data's own columns. */
static void find_noise(const flo_flow *flow, double *noise)
{
    for (int64_t k = 0; k < flow->preprocess; k++) {
        const flo_bijection *const b = flow->layer[k].bijection;
        for (int64_t j = 0; b->dithers && j < flow->features; j++)
            if (!b->passes || !b->passes[j])
                noise[j] = 1.0 / 12;
        if (strcmp(b->kind->name, "permutation") == 0)
            return;
    }
}

/* A column of one number has no normal. */
static bool varies(flo_normals *n, int64_t features)
{
    for (int64_t j = 0; j < features; j++) {
        const double deviation = n->statistics.deviation[j];
        const double variance = deviation * deviation + n->noise[j];
        if (variance > 0 && isfinite(variance) && isfinite(n->statistics.mean[j]))
            continue;
        snprintf(n->why, sizeof n->why,
                 "column %lld has standard deviation %g, where a normal has no density",
                 (long long)j, deviation);
        return false;
    }
    return true;
}

static flo_status fit(flo_trainer *t, flo_normals *n)
{
    flo_rows *const rows = t->rows[FLO_TRAIN];
    const int64_t D = flo_rows_features(rows), C = flo_rows_context_features(rows);
    flo_status status = flo_allocate(t->context, D, sizeof *n->noise, &n->noise);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    find_noise(t->flow, n->noise);
    FLO_TRY(flo_statistics_collect(t->comm, t->context, rows, &t->plan, NULL,
                                   &n->statistics));
    n->fitted = varies(n, D);
    if (!n->fitted || D + C > FLO_COVARIANCE_COLUMNS) {
        if (n->fitted)
            snprintf(n->why, sizeof n->why,
                     "a full covariance of %lld columns is left out: at most %d",
                     (long long)(D + C), FLO_COVARIANCE_COLUMNS);
        n->fitted = n->fitted && !C;
        return FLO_OK;
    }
    const flo_covariance_task task = {.rows = rows,
                                      .statistics = &n->statistics,
                                      .context = true,
                                      .noise = n->noise,
                                      .threads = t->threads};
    FLO_TRY(flo_covariance_collect(t->comm, t->context, &task, &n->covariance));
    n->correlated = true;
    return FLO_OK;
}

flo_status flo_normals_fit(flo_trainer *t, flo_normals *n)
{
    *n = (flo_normals){.fitted = false};
    const flo_status status = fit(t, n);
    if (status != FLO_OK)
        flo_normals_free(t, n);
    return status;
}

void flo_normals_free(flo_trainer *t, flo_normals *n)
{
    flo_statistics_free(t->context, &n->statistics);
    flo_covariance_free(t->context, &n->covariance);
    flo_free(t->context, &n->noise);
}

/* What scoring needs besides: rows on their way, and what does not depend on them. */
typedef struct scoring {
    const flo_normals *normals;
    int threads;
    int64_t context, features;
    double *mean, *deviation;   /* [D] of the features, noise included */
    double *spread;             /* [D] of a feature under the context alone */
    double constant[KINDS];     /* of one row's log-density */
    double *scaled, *mapped;    /* [BLOCK, m] */
    double *independent, *full; /* [BLOCK] */
    double *sums;               /* [chunks, SUMS] */
} scoring;

static flo_status take(flo_context *context, int64_t chunks, scoring *s)
{
    const int64_t D = s->features, m = s->normals->covariance.size;
    FLO_TRY(flo_allocate(context, D, sizeof(double), &s->mean));
    FLO_TRY(flo_allocate(context, D, sizeof(double), &s->deviation));
    FLO_TRY(flo_allocate(context, D, sizeof(double), &s->spread));
    FLO_TRY(flo_allocate(context, BLOCK * m, sizeof(double), &s->scaled));
    FLO_TRY(flo_allocate(context, BLOCK * m, sizeof(double), &s->mapped));
    FLO_TRY(flo_allocate(context, BLOCK, sizeof(double), &s->independent));
    FLO_TRY(flo_allocate(context, BLOCK, sizeof(double), &s->full));
    return flo_allocate(context, chunks * SUMS, sizeof(double), &s->sums);
}

static void release(flo_context *context, scoring *s)
{
    flo_free(context, &s->mean);
    flo_free(context, &s->deviation);
    flo_free(context, &s->spread);
    flo_free(context, &s->scaled);
    flo_free(context, &s->mapped);
    flo_free(context, &s->independent);
    flo_free(context, &s->full);
    flo_free(context, &s->sums);
}

/* What the mean over u adds to the squares of a full normal: u has variance 1/12, so
   each entry of the map that meets it adds its square. */
static double noise_of_map(const scoring *s)
{
    const flo_covariance *const v = &s->normals->covariance;
    double sum = 0;
    for (int64_t i = v->context; i < v->columns; i++)
        for (int64_t j = v->context; j <= i; j++) {
            const double w = v->inverse[i * v->size + j];
            const double d = s->deviation[j - v->context];
            sum += s->normals->noise[j - v->context] / (d * d) * w * w;
        }
    return sum;
}

static void find_constants(scoring *s)
{
    const flo_normals *const n = s->normals;
    const flo_covariance *const v = &n->covariance;
    s->constant[0] = s->constant[1] = -0.5 * (double)s->features * log_two_pi;
    for (int64_t j = 0; j < s->features; j++) {
        const double deviation = n->statistics.deviation[j];
        const double variance = deviation * deviation + n->noise[j];
        double left = 1;
        for (int64_t k = 0; k < s->context; k++) {
            const double b = v->factor[(s->context + j) * v->size + k];
            left -= b * b;
        }
        s->mean[j] = n->statistics.mean[j];
        s->deviation[j] = sqrt(variance);
        s->spread[j] = sqrt(left);
        s->constant[0] -= 0.5 * log(variance * left);
        s->constant[0] -= 0.5 * n->noise[j] / (variance * left);
        if (n->correlated)
            s->constant[1] -=
                0.5 * log(variance) + log(v->factor[(s->context + j) * (v->size + 1)]);
    }
    if (n->correlated)
        s->constant[1] -= 0.5 * noise_of_map(s);
}

/* The block's rows, scaled, through the inverse of the factor. */
static void map_block(const scoring *s, const flo_batch *batch, int64_t first,
                      int64_t rows)
{
    const flo_covariance *const v = &s->normals->covariance;
    const int64_t C = s->context, D = s->features, m = v->size;
    memset(s->scaled, 0, (size_t)(BLOCK * m) * sizeof *s->scaled);
    for (int64_t i = 0; i < rows; i++) {
        double *const to = s->scaled + i * m;
        for (int64_t j = 0; j < C; j++)
            to[j] = ((double)batch->context[(first + i) * C + j] - v->mean[j]) /
                    v->deviation[j];
        for (int64_t j = 0; j < D; j++)
            to[C + j] =
                ((double)batch->x[(first + i) * D + j] - s->mean[j]) / s->deviation[j];
    }
    flo_symmetric_apply(m, s->threads, v->inverse, s->scaled, s->mapped);
}

static double independent_squares(const scoring *s, const flo_batch *batch, int64_t row,
                                  const double *mapped)
{
    const flo_covariance *const v = &s->normals->covariance;
    double sum = 0;
    for (int64_t j = 0; j < s->features; j++) {
        double z =
            ((double)batch->x[row * s->features + j] - s->mean[j]) / s->deviation[j];
        for (int64_t k = 0; k < s->context; k++)
            z -= v->factor[(s->context + j) * v->size + k] * mapped[k];
        z /= s->spread[j];
        sum += z * z;
    }
    return sum;
}

static void score_block(const scoring *s, const flo_batch *batch, int64_t first,
                        int64_t rows)
{
    const flo_covariance *const v = &s->normals->covariance;
    if (s->normals->correlated)
        map_block(s, batch, first, rows);
    for (int64_t i = 0; i < rows; i++) {
        const double *const y = s->mapped + i * v->size;
        double full = 0;
        for (int64_t j = v->context; j < v->columns; j++)
            full += y[j] * y[j];
        s->full[i] = s->constant[1] - 0.5 * full;
        s->independent[i] =
            s->constant[0] - 0.5 * independent_squares(s, batch, first + i, y);
    }
}

static void add_chunk(const scoring *s, const flo_batch *batch, double *sums)
{
    for (int64_t first = 0; first < batch->rows; first += BLOCK) {
        const int64_t rows = flo_lesser(BLOCK, batch->rows - first);
        score_block(s, batch, first, rows);
        for (int64_t i = 0; i < rows; i++) {
            const double w = (double)batch->weight[first + i];
            const double l[KINDS] = {s->independent[i], s->full[i]};
            if (!(w > 0))
                continue;
            sums[W] += w;
            sums[W2] += w * w;
            for (int k = 0; k < KINDS; k++) {
                sums[L + 3 * k] += w * l[k];
                sums[L + 3 * k + 1] += w * w * l[k];
                sums[L + 3 * k + 2] += w * w * l[k] * l[k];
            }
        }
    }
}

static flo_status walk(flo_trainer *t, const scoring *s, flo_rows *rows)
{
    flo_chunks c;
    FLO_TRY(flo_chunks_create(t->context, rows, &c));
    const int ranks = flo_comm_size(t->comm), rank = flo_comm_rank(t->comm);
    const int64_t last = flo_lane_first(c.count, ranks, rank + 1);
    flo_status status = FLO_OK;
    for (int64_t k = flo_lane_first(c.count, ranks, rank); k < last && status == FLO_OK;
         k++) {
        status = flo_chunks_read(&c, k);
        if (status == FLO_OK)
            add_chunk(s, &c.batch, s->sums + k * SUMS);
    }
    flo_chunks_free(&c);
    return status;
}

/* A mean and its standard error, from the sums of w l, w^2 l, w^2 l^2. */
static double mean_of(const double *total, int kind, double *error)
{
    const double *const l = total + L + 3 * kind;
    const double mean = l[0] / total[W];
    const double spread = l[2] - 2 * mean * l[1] + mean * mean * total[W2];
    *error = sqrt(spread > 0 ? spread : 0) / total[W];
    return mean;
}

static void finish(const flo_normals *n, int64_t chunks, const double *sums,
                   flo_normal_figures *f)
{
    double total[SUMS] = {0};
    for (int64_t k = 0; k < chunks; k++)
        for (int i = 0; i < SUMS; i++)
            total[i] += sums[k * SUMS + i];
    f->independent = mean_of(total, 0, &f->independent_error);
    if (!n->correlated)
        return;
    f->full = mean_of(total, 1, &f->full_error);
    f->shrinkage = n->covariance.shrinkage;
}

flo_status flo_normals_score(flo_trainer *t, const flo_normals *n, flo_rows *rows,
                             flo_normal_figures *f)
{
    *f = (flo_normal_figures){NAN, NAN, NAN, NAN, NAN};
    if (!n->fitted)
        return FLO_OK;
    const int64_t chunks = flo_divide_up(flo_rows_count(rows), FLO_CHUNK_ROWS);
    scoring s = {.normals = n,
                 .threads = t->threads,
                 .features = flo_rows_features(rows),
                 .context = n->covariance.context};
    flo_status status = take(t->context, chunks, &s);
    status = flo_comm_agree(t->comm, t->context, status);
    if (status == FLO_OK) {
        find_constants(&s);
        status = flo_comm_agree(t->comm, t->context, walk(t, &s, rows));
    }
    if (status == FLO_OK) {
        flo_comm_share(t->comm, s.sums, chunks * SUMS);
        finish(n, chunks, s.sums, f);
    }
    release(t->context, &s);
    return status;
}
