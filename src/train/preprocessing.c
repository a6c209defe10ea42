/* The first layers of a flow and the data. */
#include "train/preprocessing.h"

#include "core/lane_tree.h"
#include "flow/front.h"
#include "flow/ranges.h"
#include "train/chunks.h"
#include "train/covariance.h"
#include "train/inherit.h"
#include "train/labels.h"
#include "train/report.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* Columns from which on correlations take long enough to be told of. */
static const int64_t many_columns = 2000;

/* Rows of one split on their way through the first layers. */
typedef struct walk {
    flo_trainer *trainer;
    flo_rows *rows;
    flo_arena *arena; /* of the front alone */
    flo_front *front;
    int64_t layers, context_layers; /* how many they pass */
    flo_levels *levels;             /* of their context, on their first way; or NULL */
} walk;

/* Says which number of which row a layer does not take. */
static flo_status fail(const walk *w, const flo_refusal *r)
{
    char where[FLO_MESSAGE_BYTES / 3], wanted[FLO_MESSAGE_BYTES / 3];
    flo_rows_locate(w->rows, r->row, r->of_context, r->column, where, sizeof where);
    flo_front_explain(r, wanted, sizeof wanted);
    return flo_fail(w->trainer->context, FLO_ERROR_DATA,
                    "%s: layer %s found %.*g, wanted %s", where, r->layer->name,
                    fabs(r->value) < 1e9 ? 9 : 16, r->value, wanted);
}

static flo_status apply(void *data, int64_t first, flo_batch *batch)
{
    const walk *const w = data;
    flo_refusal refusal;
    flo_labels_see(w->levels, w->trainer->flow->context, batch);
    flo_front_pass(w->front, w->layers, w->context_layers, first, batch->rows, batch->x,
                   batch->context, batch->weight, &refusal);
    return refusal.layer ? fail(w, &refusal) : FLO_OK;
}

/* Collective. FLO_ERROR_MEMORY; agreed. */
static flo_status begin(flo_trainer *t, flo_split split, walk *w)
{
    *w = (walk){.trainer = t, .rows = t->rows[split]};
    flo_status status = flo_arena_create(t->context, &w->arena);
    if (status == FLO_OK)
        status = flo_front_create(w->arena, t->flow, &w->front);
    return flo_comm_agree(t->comm, t->context, status);
}

/* Whether a layer from the given ones on, of those without parameters, takes only a
   part of the line, or categories only some values. */
static bool is_limited(const flo_flow *flow, int64_t layers, int64_t context_layers)
{
    return flow->categories.count ||
           flo_ranges_are_limited(flow->layer, layers, flow->fixed) ||
           flo_ranges_are_limited(flow->context_layer, context_layers,
                                  flow->context_layers);
}

/* A column whose spread is small beside its mean loses its digits when it is read as
   flo_real: its density would be that of rounded values. */
static void warn_of_rounding(flo_trainer *t, const flo_statistics *statistics)
{
    const double epsilon = sizeof(flo_real) == 8 ? DBL_EPSILON : (double)FLT_EPSILON;
    for (int64_t j = 0; j < statistics->columns; j++) {
        const bool shifted = t->flow->origin && t->flow->origin[j] != 0;
        const double mean = fabs(statistics->mean[j]);
        const double levels =
            mean > 0 ? statistics->deviation[j] / (mean * epsilon) : 1 / epsilon;
        if (levels > 0 && levels < 1000) /* none: an error of its own */
            flo_report_line(
                t,
                "note: column %lld has mean %g and standard deviation %g%s, of "
                "which %s tells about %.0f levels apart; subtract a constant "
                "in the file%s",
                (long long)j, statistics->mean[j], statistics->deviation[j],
                shifted ? " once its origin is taken off" : "", FLO_REAL_NAME, levels,
                sizeof(flo_real) == 8 ? "" : ", or build with -DFLOTILLA_DOUBLE=ON");
    }
}

/* The moments of what the rows of the walk become. */
static flo_status collect(walk *w, flo_statistics *statistics)
{
    flo_trainer *const t = w->trainer;
    const flo_row_map map = {apply, w};
    const bool passes =
        w->layers || w->context_layers || w->levels || t->flow->categories.count;
    FLO_TRY(flo_statistics_collect(t->comm, t->context, w->rows, &t->plan,
                                   passes ? &map : NULL, statistics));
    t->bad_rows = statistics->bad_rows;
    return FLO_OK;
}

/* An error of a fit, which names a column, behind the data that it is of. */
static flo_status of_the_data(const walk *w, flo_status status)
{
    flo_context *const context = w->trainer->context;
    const int64_t columns = flo_source_describe(flo_rows_source(w->rows))->columns;
    char reason[FLO_MESSAGE_BYTES / 2];
    if (status != FLO_ERROR_DATA)
        return status;
    snprintf(reason, sizeof reason, "%s", flo_context_message(context));
    return flo_fail(context, status, "%s: data set '%s': %s%s%s",
                    flo_rows_file(w->rows), flo_rows_dataset(w->rows), reason,
                    columns == flo_rows_features(w->rows)
                        ? ""
                        : " (columns are counted among the features)",
                    w->trainer->options->init
                        ? "; or keep what --init has, with --init-keep-preprocess"
                        : "");
}

/* The correlations of what the rows of the walk become, where the next layer takes
   them. */
static flo_status correlate(walk *w, const flo_statistics *statistics,
                            flo_covariance *covariance)
{
    flo_trainer *const t = w->trainer;
    const flo_row_map map = {apply, w};
    const flo_covariance_task task = {.rows = w->rows,
                                      .map = w->layers ? &map : NULL,
                                      .statistics = statistics,
                                      .threads = t->threads};
    *covariance = (flo_covariance){0};
    if (!flo_flow_waits_for_correlations(t->flow))
        return FLO_OK;
    if (statistics->columns > many_columns)
        flo_report_line(t, "data: correlations of %lld columns, minutes for so many",
                        (long long)statistics->columns);
    FLO_TRY(flo_covariance_collect(t->comm, t->context, &task, covariance));
    flo_report_line(t,
                    "data: correlations of %lld columns over %lld rows, shrunk by "
                    "%.2g",
                    (long long)covariance->columns, (long long)covariance->rows,
                    covariance->shrinkage);
    return FLO_OK;
}

/* Fits the next layers that wait. */
static flo_status fit_next(walk *w)
{
    flo_trainer *const t = w->trainer;
    flo_statistics statistics;
    /* Where only a context layer waits, layers with parameters are ready too: they have
       no part in this. */
    w->layers = t->flow->ready < t->flow->fixed ? t->flow->ready : t->flow->fixed;
    w->context_layers = t->flow->context_ready;
    FLO_TRY(collect(w, &statistics));
    const flo_status told = flo_labels_tell(t, &w->levels);
    if (told != FLO_OK) {
        flo_statistics_free(t->context, &statistics);
        return told;
    }
    warn_of_rounding(t, &statistics);
    flo_covariance covariance;
    flo_status status = correlate(w, &statistics, &covariance);
    if (status == FLO_OK) {
        const flo_moments moments = {.mean = statistics.mean,
                                     .deviation = statistics.deviation,
                                     .low = statistics.low,
                                     .high = statistics.high,
                                     .whitening = covariance.inverse,
                                     .whitening_row = covariance.size};
        flo_inherit_compare(t, w->front, &moments);
        status = of_the_data(w, flo_flow_fit(t->flow, &moments));
    }
    flo_statistics_free(t->context, &statistics);
    flo_covariance_free(t->context, &covariance);
    return flo_comm_agree(t->comm, t->context, status);
}

static flo_status fit(walk *w)
{
    flo_trainer *const t = w->trainer;
    flo_flow *const flow = t->flow;
    /* Whether what dropped rows and weights leave is known: some row must be. */
    bool counted =
        t->config.data.on_bad_rows != FLO_BAD_ROWS_DROP && !t->config.data.weights;
    for (; flo_flow_waits(flow); counted = true)
        FLO_TRY(fit_next(w));
    if (counted && !is_limited(flow, w->layers, w->context_layers))
        return FLO_OK;
    flo_statistics ignored;
    w->layers = flow->fixed;
    w->context_layers = flow->context_layers;
    FLO_TRY(collect(w, &ignored));
    flo_statistics_free(t->context, &ignored);
    return FLO_OK;
}

flo_status flo_preprocessing_fit(flo_trainer *t)
{
    FLO_TRY(flo_comm_agree(t->comm, t->context, flo_flow_fit(t->flow, NULL)));
    if (!t->rows[FLO_TRAIN])
        return FLO_OK;
    walk w;
    flo_status status = begin(t, FLO_TRAIN, &w);
    if (status == FLO_OK)
        status = flo_comm_agree(t->comm, t->context, flo_labels_begin(t, &w.levels));
    if (status == FLO_OK)
        status = fit(&w);
    flo_levels_destroy(&w.levels);
    flo_arena_destroy(&w.arena);
    return status;
}

/* Reads this rank's share of a split; counts its rows with a weight above 0. */
static flo_status read_share(walk *w, int64_t *weighed)
{
    flo_trainer *const t = w->trainer;
    flo_chunks c;
    flo_status status = FLO_OK;
    FLO_TRY(flo_chunks_create(t->context, w->rows, &c));
    const int ranks = flo_comm_size(t->comm), rank = flo_comm_rank(t->comm);
    const int64_t last = flo_lane_first(c.count, ranks, rank + 1);
    for (int64_t k = flo_lane_first(c.count, ranks, rank); k < last && status == FLO_OK;
         k++) {
        status = flo_chunks_read(&c, k);
        if (status == FLO_OK)
            status = apply(w, k * FLO_CHUNK_ROWS, &c.batch);
        for (int64_t i = 0; i < c.batch.rows; i++)
            *weighed += c.batch.weight[i] > 0;
    }
    flo_chunks_free(&c);
    return status;
}

flo_status flo_preprocessing_check(flo_trainer *t, flo_split split)
{
    walk w;
    int64_t weighed = 0;
    if (!t->rows[split])
        return FLO_OK;
    flo_status status = begin(t, split, &w);
    if (is_limited(t->flow, 0, 0)) {
        w.layers = t->flow->fixed;
        w.context_layers = t->flow->context_layers;
    }
    if (status == FLO_OK)
        status = flo_comm_agree(t->comm, t->context, read_share(&w, &weighed));
    flo_arena_destroy(&w.arena);
    FLO_TRY(status);
    flo_comm_sum_integers(t->comm, &weighed, 1);
    return weighed ? FLO_OK : flo_rows_fail_weightless(t->rows[split]);
}
