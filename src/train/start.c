/* How a run begins. */
#include "train/start.h"

#include "core/lane_tree.h"
#include "flow/model_file.h"
#include "flow/ranges.h"
#include "run/checkpoints.h"
#include "train/chunks.h"
#include "train/data_start.h"
#include "train/loaded.h"
#include "train/report.h"
#include "train/save.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void skipped(const char *path, const char *reason, void *argument)
{
    flo_trainer *const t = argument;
    flo_report_line(t, "skipped %s: %s", path, reason);
}

flo_status flo_start_look(flo_trainer *t)
{
    bool holds_run = false;
    flo_status status = FLO_OK;
    if (flo_comm_rank(t->comm) == 0)
        status = flo_directory_look(t->context, t->config.run.directory, t->start,
                                    &holds_run);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    flo_comm_broadcast(t->comm, &holds_run, sizeof holds_run);
    if (t->start == FLO_START_RESUME && !holds_run)
        t->start = FLO_START_NEW;
    return FLO_OK;
}

/* Rank 0 alone. */
static flo_status open_directory(flo_trainer *t)
{
    int64_t step;
    FLO_TRY(flo_directory_open(t->context, t->config.run.directory, t->start,
                               &t->directory));
    FLO_TRY(flo_file_writer_create(t->context, &t->writer));
    FLO_TRY(flo_file_writer_create(t->context, &t->best_writer));
    if (t->start != FLO_START_RESUME)
        return FLO_OK;
    char state[32];
    flo_directory_state(t->directory, state, sizeof state);
    t->was_finished = strcmp(state, "finished") == 0;
    return flo_checkpoints_newest(t->directory, skipped, t, &t->resumed_path, &step,
                                  &t->resumed, &t->resumed_bytes);
}

/* Gives the checkpoint's bytes to the other ranks. */
static flo_status share_checkpoint(flo_trainer *t)
{
    int64_t size = t->resumed ? (int64_t)t->resumed_bytes : 0;
    flo_comm_broadcast(t->comm, &size, sizeof size);
    if (!size)
        return FLO_OK;
    flo_status status = FLO_OK;
    t->resumed_bytes = (size_t)size;
    if (flo_comm_rank(t->comm) != 0)
        status = flo_allocate(t->context, size, 1, &t->resumed);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    flo_comm_broadcast(t->comm, t->resumed, size);
    return flo_comm_broadcast_text(t->comm, t->context, &t->resumed_path);
}

flo_status flo_start_open(flo_trainer *t)
{
    const flo_status status = flo_comm_rank(t->comm) == 0 ? open_directory(t) : FLO_OK;
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    return share_checkpoint(t);
}

/* A column whose spread is small beside its mean loses its digits when it is read as
   flo_real: its density would be that of rounded values. */
static void warn_of_rounding(flo_trainer *t, const flo_statistics *statistics)
{
    const double epsilon = sizeof(flo_real) == 8 ? DBL_EPSILON : (double)FLT_EPSILON;
    for (int64_t j = 0; j < statistics->columns; j++) {
        const double mean = fabs(statistics->mean[j]);
        const double levels =
            mean > 0 ? statistics->deviation[j] / (mean * epsilon) : 1 / epsilon;
        if (levels > 0 && levels < 1000) /* none: an error of its own */
            flo_report_line(
                t,
                "note: column %lld has mean %g and standard deviation %g, of "
                "which %s tells about %.0f levels apart; subtract a constant "
                "in the file%s",
                (long long)j, statistics->mean[j], statistics->deviation[j],
                FLO_REAL_NAME, levels,
                sizeof(flo_real) == 8 ? "" : ", or build with -DFLOTILLA_DOUBLE=ON");
    }
}

/* Fits the constants to the training data, where a layer wants that; counts the rows
   that are dropped, where that is allowed; looks at weights, which may all be 0. */
static flo_status fit(flo_trainer *t)
{
    flo_statistics statistics = {0};
    const bool fitted = flo_flow_is_fitted(t->flow);
    const bool limited = flo_ranges_are_limited(t->flow);
    const bool drops =
        t->rows[FLO_TRAIN] && t->config.data.on_bad_rows == FLO_BAD_ROWS_DROP;
    const bool weighs = t->rows[FLO_TRAIN] && t->config.data.weights;
    if (fitted || limited || drops || weighs)
        FLO_TRY(flo_statistics_collect(t->comm, t->context, t->rows[FLO_TRAIN],
                                       &t->plan, &statistics));
    t->bad_rows = statistics.bad_rows;
    warn_of_rounding(t, &statistics);
    const flo_moments moments = {statistics.mean, statistics.deviation};
    flo_status status = flo_flow_fit(t->flow, fitted ? &moments : NULL);
    if (status == FLO_OK && limited)
        status = flo_ranges_check_data(t->flow, flo_rows_dataset(t->rows[FLO_TRAIN]),
                                       statistics.low, statistics.high);
    flo_statistics_free(t->context, &statistics);
    return flo_comm_agree(t->comm, t->context, status);
}

/* Widens low [D] and high [D] to the rows of a chunk that count. */
static void widen(const flo_batch *batch, int64_t D, double *low, double *high)
{
    for (int64_t i = 0; i < batch->rows; i++)
        for (int64_t j = 0; j < D && batch->weight[i] > 0; j++) {
            const double x = (double)batch->x[i * D + j];
            low[j] = x < low[j] ? x : low[j];
            high[j] = x > high[j] ? x : high[j];
        }
}

/* Reads this rank's share of a held-out split once; sets low [D] and high [D]. */
static flo_status read_share(flo_trainer *t, flo_rows *rows, double *low, double *high)
{
    flo_chunks c;
    flo_status status = FLO_OK;
    const int64_t D = t->flow->features;
    for (int64_t j = 0; j < D; j++) {
        low[j] = INFINITY;
        high[j] = -INFINITY;
    }
    FLO_TRY(flo_chunks_create(t->context, rows, &c));
    const int ranks = flo_comm_size(t->comm), rank = flo_comm_rank(t->comm);
    const int64_t last = flo_lane_first(c.count, ranks, rank + 1);
    for (int64_t k = flo_lane_first(c.count, ranks, rank); k < last && status == FLO_OK;
         k++) {
        status = flo_chunks_read(&c, k);
        if (status == FLO_OK)
            widen(&c.batch, D, low, high);
    }
    flo_chunks_free(&c);
    return status;
}

/* Over all ranks, so that what is said does not depend on their number. */
static flo_status check_range(flo_trainer *t, flo_rows *rows, double *low, double *high)
{
    const int64_t D = t->flow->features;
    FLO_TRY(flo_comm_agree(t->comm, t->context, read_share(t, rows, low, high)));
    flo_comm_minimum(t->comm, low, D);
    flo_comm_maximum(t->comm, high, D);
    if (low[0] > high[0])
        return flo_rows_fail_weightless(rows);
    if (!flo_ranges_are_limited(t->flow))
        return FLO_OK;
    return flo_comm_agree(
        t->comm, t->context,
        flo_ranges_check_data(t->flow, flo_rows_dataset(rows), low, high));
}

/* A bad row of validation or test ends a run now, not after hours of training. */
static flo_status check_splits(flo_trainer *t)
{
    double *low;
    const int64_t D = t->flow->features;
    const flo_status taken = flo_allocate(t->context, 2 * D, sizeof *low, &low);
    flo_status status = flo_comm_agree(t->comm, t->context, taken);
    for (int split = FLO_VALIDATION; split < FLO_SPLITS && status == FLO_OK; split++)
        if (t->rows[split])
            status = check_range(t, t->rows[split], low, low + D);
    flo_free(t->context, &low);
    return status;
}

/* Constants and parameters of another run's model, which must have the same layers. */
static flo_status init_from(flo_trainer *t, const flo_model_bytes *b)
{
    flo_image *image;
    FLO_TRY(flo_image_open(t->context, b->path, b->bytes, b->size, &image));
    flo_status status = flo_model_read_constants(image, t->flow);
    if (status == FLO_OK)
        status = flo_model_read_vector(
            image, t->flow, flo_image_has(image, "average") ? "average" : "parameters",
            t->theta);
    flo_image_destroy(&image);
    char reason[FLO_MESSAGE_BYTES / 2];
    snprintf(reason, sizeof reason, "%s", flo_context_message(t->context));
    if (status == FLO_ERROR_FILE)
        return flo_fail(t->context, status,
                        "--init %s: found a model of other layers or columns, wanted "
                        "those of this config and data: %s",
                        b->path, reason);
    return status;
}

static flo_status init(flo_trainer *t)
{
    flo_model_bytes bytes;
    FLO_TRY(flo_model_bytes_read(t->comm, t->context, t->options->init, &bytes));
    const flo_status status = init_from(t, &bytes);
    flo_model_bytes_free(t->context, &bytes);
    return flo_comm_agree(t->comm, t->context, status);
}

/* Layers that start from data: from the training rows, or from samples of the base. */
static flo_status start_from_data(flo_trainer *t)
{
    flo_data_start_report found;
    const char *const what = t->rows[FLO_TRAIN] ? "training rows" : "base samples";
    FLO_TRY(flo_data_start(t->comm, t->context, t->flow, t->rows[FLO_TRAIN], t->threads,
                           t->theta, &found));
    if (found.layers)
        flo_report_line(t, "%lld layer%s from %lld %s%s", (long long)found.layers,
                        found.layers == 1 ? " starts" : "s start",
                        (long long)found.rows, what,
                        found.rows ? ""
                                   : ": no row drawn for it has a weight above 0, so "
                                     "they start as the identity");
    if (found.constant_columns)
        flo_report_line(t,
                        "note: %lld columns do not vary over the %s that layers start "
                        "from, the first in %s: they are shifted to 0 and keep their "
                        "scale",
                        (long long)found.constant_columns, what, found.constant_layer);
    return FLO_OK;
}

flo_status flo_start_new(flo_trainer *t)
{
    FLO_TRY(fit(t));
    FLO_TRY(check_splits(t));
    flo_flow_init(t->flow, t->theta);
    FLO_TRY(t->options->init ? init(t) : start_from_data(t));
    flo_optimizer_start(t->optimizer, t->theta);
    /* Of a run that ended before its first checkpoint, lines may be left. */
    const flo_status status =
        t->directory ? flo_directory_cut_metrics(t->directory, 0) : FLO_OK;
    return flo_comm_agree(t->comm, t->context, status);
}

/* Says when the bits may differ from what an uninterrupted run would have given. */
static void announce(flo_trainer *t, const char *core)
{
    flo_report_line(t, "resuming from %s at step %lld", t->resumed_path,
                    (long long)t->progress.step);
    if (strcmp(core, t->blas_core) != 0)
        flo_report_line(
            t,
            "note: BLAS core %s -> %s: the same bits as without the stop are "
            "not promised",
            core, t->blas_core);
}

static flo_status read_snapshot(flo_trainer *t)
{
    const flo_snapshot snapshot = flo_save_view(t);
    flo_image *image;
    char *core = NULL;
    FLO_TRY(flo_image_open(t->context, t->resumed_path, t->resumed, t->resumed_bytes,
                           &image));
    flo_status status =
        flo_snapshot_read(t->context, image, t->resumed_path, &snapshot, &core);
    flo_image_destroy(&image);
    if (status == FLO_OK && t->directory) {
        announce(t, core);
        status = flo_directory_cut_metrics(t->directory, t->progress.step);
    }
    t->started_step = t->progress.step;
    flo_free(t->context, &core);
    flo_free(t->context, &t->resumed);
    return status;
}

flo_status flo_start_resume(flo_trainer *t)
{
    return flo_comm_agree(t->comm, t->context, read_snapshot(t));
}
