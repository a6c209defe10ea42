/* Log-likelihood of rows over all ranks: chunks dealt to ranks, sums kept by chunk. */
#include "train/evaluate.h"

#include "core/integers.h"
#include "core/lane_tree.h"
#include "data/rows_place.h"
#include "hdf5/output.h"
#include "train/chunks.h"

#include <math.h>

enum { MOST_TRIMMED = 10000 };

/* Sums of one chunk, and of all, over the rows with a finite density: of w, w l, w^2,
   w^2 l, w^2 l^2, the same of l in what `preprocess` gives, and counts. */
enum { W, W2, WL, W2L, W2L2, WP, W2P, W2P2, ROWS, SUMS };

/* What is gathered on the way: by one rank, then by all. */
typedef struct tally {
    flo_lowest lowest;
    flo_unscored_watch watch;
    double *sums; /* [chunks, SUMS] */
} tally;

static void add_chunk(const flo_chunks *c, int64_t chunk, tally *t)
{
    const int64_t first = chunk * FLO_CHUNK_ROWS;
    double *const sums = t->sums + chunk * SUMS;
    flo_unscored_see(&t->watch, c->rows, &c->batch, c->log_prob, first, false);
    for (int64_t i = 0; i < c->batch.rows; i++) {
        const double w = (double)c->batch.weight[i];
        const double l = c->log_prob[i], p = c->preprocessed[i];
        if (w == 0 || isnan(l))
            continue;
        flo_lowest_see(&t->lowest, l, w, first + i);
        if (!isfinite(l))
            continue;
        sums[W] += w;
        sums[WL] += w * l;
        sums[W2] += w * w;
        sums[W2L] += w * w * l;
        sums[W2L2] += w * w * l * l;
        sums[WP] += w * p;
        sums[W2P] += w * w * p;
        sums[W2P2] += w * w * p * p;
        sums[ROWS] += 1;
    }
}

static flo_status walk(flo_comm *comm, flo_context *context, flo_tiles *tiles,
                       const flo_real *theta, flo_rows *rows, tally *t)
{
    flo_chunks c;
    FLO_TRY(flo_chunks_create(context, rows, &c));
    const int ranks = flo_comm_size(comm), rank = flo_comm_rank(comm);
    flo_status status = FLO_OK;
    const int64_t last = flo_lane_first(c.count, ranks, rank + 1);
    for (int64_t k = flo_lane_first(c.count, ranks, rank); k < last && status == FLO_OK;
         k++) {
        status = flo_chunks_log_prob(&c, tiles, theta, k);
        if (status == FLO_OK)
            add_chunk(&c, k, t);
    }
    flo_chunks_free(&c);
    return status;
}

/* The standard error of a weighted mean, from the sums of w^2 l and w^2 l^2. */
static double error_of(const double *total, double mean, double w2l, double w2l2)
{
    const double spread = w2l2 - 2 * mean * w2l + mean * mean * total[W2];
    return sqrt(spread > 0 ? spread : 0) / total[W];
}

/* The mean without the lowest rows; those of probability zero are among them. */
static void trim(const flo_lowest *lowest, const double *total, flo_evaluation *e)
{
    e->trimmed_rows = e->rows / 10000 < MOST_TRIMMED ? e->rows / 10000 : MOST_TRIMMED;
    double w = total[W], wl = total[WL];
    for (int64_t i = 0; i < e->trimmed_rows && i < lowest->held; i++) {
        if (!isfinite(lowest->low[i].value))
            continue;
        w -= lowest->low[i].weight;
        wl -= lowest->low[i].weight * lowest->low[i].value;
    }
    e->trimmed = e->unscored.zero > e->trimmed_rows ? -(double)INFINITY : wl / w;
}

/* What the figures of all rows are where some have no finite density. */
static void count_nonfinite(flo_evaluation *e)
{
    if (!e->nonfinite)
        return;
    e->log_likelihood = e->unscored.lost ? (double)NAN : -(double)INFINITY;
    e->preprocessed = e->log_likelihood;
    e->standard_error = e->preprocessed_error = (double)NAN;
    e->bits = -e->log_likelihood;
}

static void finish(int64_t features, const flo_lowest *lowest, const double *total,
                   flo_evaluation *e)
{
    const double mean = total[WL] / total[W];
    e->nonfinite = e->unscored.zero + e->unscored.lost;
    e->rows = (int64_t)total[ROWS] + e->nonfinite;
    e->log_likelihood = e->finite = mean;
    e->bits = -mean / ((double)features * log(2));
    e->preprocessed = total[WP] / total[W];
    e->standard_error = error_of(total, mean, total[W2L], total[W2L2]);
    e->finite_error = e->standard_error;
    e->preprocessed_error = error_of(total, e->preprocessed, total[W2P], total[W2P2]);
    e->lowest = lowest->held ? lowest->low[0].value : (double)NAN;
    e->lowest_row = lowest->held ? (int64_t)lowest->low[0].row : -1;
    trim(lowest, total, e);
    count_nonfinite(e);
}

static flo_status evaluate(flo_comm *comm, flo_context *context, flo_tiles *tiles,
                           const flo_real *theta, flo_rows *rows, int64_t chunks,
                           tally *t, flo_evaluation *e)
{
    FLO_TRY(flo_comm_agree(comm, context, walk(comm, context, tiles, theta, rows, t)));
    flo_comm_share(comm, t->sums, chunks * SUMS);
    FLO_TRY(flo_lowest_merge(comm, context, &t->lowest));
    FLO_TRY(flo_unscored_share(comm, context, &t->watch, flo_tiles_flow(tiles), rows,
                               &e->unscored));
    double total[SUMS] = {0};
    for (int64_t k = 0; k < chunks; k++)
        for (int s = 0; s < SUMS; s++)
            total[s] += t->sums[k * SUMS + s];
    if (!(total[W] > 0) && !e->unscored.zero && !e->unscored.missing &&
        !e->unscored.lost)
        return flo_rows_fail_weightless(rows);
    if (flo_comm_rank(comm) == 0)
        finish(flo_rows_features(rows), &t->lowest, total, e);
    flo_comm_broadcast(comm, e, sizeof *e);
    return FLO_OK;
}

flo_status flo_evaluate(flo_comm *comm, flo_context *context, flo_tiles *tiles,
                        const flo_real *theta, flo_rows *rows, flo_evaluation *e)
{
    const int64_t N = flo_rows_count(rows);
    const int64_t chunks = flo_divide_up(N, FLO_CHUNK_ROWS);
    const int64_t trimmed = N / 10000 < MOST_TRIMMED ? N / 10000 : MOST_TRIMMED;
    tally t = {.sums = NULL};
    flo_status status = flo_allocate(context, chunks * SUMS, sizeof *t.sums, &t.sums);
    if (status == FLO_OK)
        status = flo_lowest_create(context, trimmed + 1, &t.lowest);
    if (status == FLO_OK)
        status = flo_unscored_begin(context, flo_tiles_flow(tiles), &t.watch);
    status = flo_comm_agree(comm, context, status);
    if (status == FLO_OK)
        status = evaluate(comm, context, tiles, theta, rows, chunks, &t, e);
    flo_unscored_end(context, &t.watch);
    flo_lowest_free(context, &t.lowest);
    flo_free(context, &t.sums);
    return status;
}

/* What rank 0 keeps of a round to write. */
typedef struct writer {
    double *score; /* [ranks, FLO_CHUNK_ROWS] */
    int64_t *row;  /* [FLO_CHUNK_ROWS], numbers in the files; NULL: not written */
    int64_t *file; /* [FLO_CHUNK_ROWS] */
    int64_t files;
    flo_output *output;
    flo_unscored_watch watch; /* of every rank */
} writer;

/* Which rows of which file these are. */
static flo_status write_places(writer *w, const flo_rows *rows, int64_t first,
                               int64_t count)
{
    flo_status status = FLO_OK;
    for (int64_t i = 0; i < count && w->row && status == FLO_OK; i += FLO_CHUNK_ROWS) {
        const int64_t n = flo_lesser(count - i, FLO_CHUNK_ROWS);
        flo_rows_places(rows, first + i, n, w->row, w->file);
        status = flo_output_write_set(w->output, 1, first + i, n, w->row);
        if (status == FLO_OK && w->files > 1)
            status = flo_output_write_set(w->output, 2, first + i, n, w->file);
    }
    return status;
}

/* One round: every rank scores one chunk, rank 0 writes them in order. */
static flo_status write_round(flo_comm *comm, flo_context *context, flo_chunks *c,
                              flo_tiles *tiles, const flo_real *theta, int64_t round,
                              writer *w)
{
    const int64_t first = round * flo_comm_size(comm),
                  mine = first + flo_comm_rank(comm);
    flo_status status = FLO_OK;
    c->batch.rows = 0;
    if (mine < c->count)
        status = flo_chunks_log_prob(c, tiles, theta, mine);
    FLO_TRY(flo_comm_agree(comm, context, status));
    flo_unscored_see(&w->watch, c->rows, &c->batch, c->log_prob, mine * FLO_CHUNK_ROWS,
                     true);
    flo_comm_gather_doubles(comm, c->log_prob, c->batch.rows, w->score);
    if (flo_comm_rank(comm) == 0) {
        const int64_t row = first * FLO_CHUNK_ROWS;
        const int64_t most = flo_comm_size(comm) * (int64_t)FLO_CHUNK_ROWS;
        const int64_t count = flo_lesser(flo_rows_count(c->rows) - row, most);
        status = flo_output_write(w->output, row, count, w->score);
        if (status == FLO_OK)
            status = write_places(w, c->rows, row, count);
    }
    return flo_comm_agree(comm, context, status);
}

/* The file with its data sets: scores, and where their rows lie if a reader could not
   tell from their order. */
static flo_status create_file(flo_context *context, const flo_rows *rows,
                              const char *path, bool force, const char *source,
                              writer *w)
{
    const flo_source *const data = flo_rows_source(rows);
    const char **names;
    int64_t first;
    w->files = flo_source_describe(data)->shards;
    FLO_TRY(flo_allocate(context, w->files, sizeof *names, &names));
    for (int64_t s = 0; s < w->files; s++)
        names[s] = flo_source_shard(data, s, &first);
    const flo_output_set sets[] = {{.name = "log_prob",
                                    .element = FLO_ELEMENT_DOUBLE,
                                    .files = w->files,
                                    .file = names},
                                   {.name = "row", .element = FLO_ELEMENT_INT64},
                                   {.name = "file", .element = FLO_ELEMENT_INT64}};
    const int count = flo_rows_are_whole_file(rows) ? 1 : w->files == 1 ? 2 : 3;
    const flo_status status = flo_output_create_sets(
        context, path, force, source, flo_rows_count(rows), count, sets, &w->output);
    flo_free(context, &names);
    return status;
}

/* Rank 0 alone. */
static flo_status begin_file(flo_comm *comm, flo_context *context, const flo_rows *rows,
                             const char *path, bool force, const char *source,
                             writer *w)
{
    FLO_TRY(create_file(context, rows, path, force, source, w));
    FLO_TRY(flo_allocate(context, flo_comm_size(comm) * (int64_t)FLO_CHUNK_ROWS,
                         sizeof *w->score, &w->score));
    if (flo_rows_are_whole_file(rows))
        return FLO_OK;
    FLO_TRY(flo_allocate(context, FLO_CHUNK_ROWS, sizeof *w->row, &w->row));
    return flo_allocate(context, FLO_CHUNK_ROWS, sizeof *w->file, &w->file);
}

flo_status flo_log_prob_to_file(flo_comm *comm, flo_context *context, flo_tiles *tiles,
                                const flo_real *theta, flo_rows *rows, const char *path,
                                bool force, const char *source, flo_unscored *unscored)
{
    flo_chunks c = {.context = context};
    writer w = {.output = NULL};
    flo_status status = flo_unscored_begin(context, flo_tiles_flow(tiles), &w.watch);
    if (status == FLO_OK && flo_comm_rank(comm) == 0)
        status = begin_file(comm, context, rows, path, force, source, &w);
    if (status == FLO_OK)
        status = flo_chunks_create(context, rows, &c);
    status = flo_comm_agree(comm, context, status);
    const int64_t rounds = flo_divide_up(c.count, flo_comm_size(comm));
    for (int64_t round = 0; round < rounds && status == FLO_OK; round++)
        status = write_round(comm, context, &c, tiles, theta, round, &w);
    if (status == FLO_OK)
        status = flo_unscored_share(comm, context, &w.watch, flo_tiles_flow(tiles),
                                    rows, unscored);
    flo_unscored_end(context, &w.watch);
    flo_chunks_free(&c);
    flo_free(context, &w.score);
    flo_free(context, &w.row);
    flo_free(context, &w.file);
    if (w.output && status == FLO_OK)
        status = flo_output_close(&w.output);
    flo_output_abandon(&w.output);
    return flo_comm_agree(comm, context, status);
}
