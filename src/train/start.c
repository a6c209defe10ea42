/* How a run begins. */
#include "train/start.h"

#include "comm/watch.h"
#include "run/checkpoints.h"
#include "run/leftovers.h"
#include "train/data_start.h"
#include "train/guard.h"
#include "train/inherit.h"
#include "train/origins.h"
#include "train/preprocessing.h"
#include "train/report.h"
#include "train/save.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void skipped(const char *path, const char *reason, void *argument)
{
    flo_trainer *const t = argument;
    flo_report_failure(t, "skipped %s: %s", path, reason);
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

/* Rank 0 alone. bytes [*size] of the newest checkpoint that verifies; NULL: none. */
static flo_status open_directory(flo_trainer *t, void **bytes, size_t *size)
{
    int64_t step;
    FLO_TRY(flo_directory_open(t->context, t->config.run.directory, t->start,
                               &t->directory));
    FLO_TRY(flo_file_writer_create(t->context, &t->saving.writer));
    if (t->start != FLO_START_RESUME)
        return FLO_OK;
    char state[32];
    flo_directory_state(t->directory, state, sizeof state);
    t->was_finished = strcmp(state, "finished") == 0;
    if (flo_leftovers_remove(t->directory) != FLO_OK)
        flo_report_failure(t, "%s", flo_context_message(t->context));
    FLO_TRY(flo_checkpoints_newest(t->directory, skipped, t, &t->resumed_path, &step,
                                   bytes, size));
    if (!*bytes)
        flo_report_line(t, "no checkpoint was written yet: the run starts at step 0");
    return FLO_OK;
}

/* Gives rank 0's checkpoint to all hosts. */
static flo_status share_checkpoint(flo_trainer *t, const void *bytes, size_t size)
{
    int64_t shared = bytes ? (int64_t)size : 0;
    flo_comm_broadcast(t->comm, &shared, sizeof shared);
    if (!shared)
        return FLO_OK;
    t->checkpoint_bytes = (size_t)shared;
    FLO_TRY(flo_shared_memory_copy(t->comm, t->context, bytes, shared, &t->checkpoint));
    return flo_comm_broadcast_text(t->comm, t->context, &t->resumed_path);
}

flo_status flo_start_open(flo_trainer *t)
{
    void *bytes = NULL;
    size_t size = 0;
    flo_status status =
        flo_comm_rank(t->comm) == 0 ? open_directory(t, &bytes, &size) : FLO_OK;
    status = flo_comm_agree(t->comm, t->context, status);
    if (status == FLO_OK) {
        flo_guard_share(t);
        status = share_checkpoint(t, bytes, size);
    }
    flo_free(t->context, &bytes);
    return status;
}

flo_status flo_start_image(flo_trainer *t, flo_image **image)
{
    return flo_image_open(t->context, t->resumed_path,
                          flo_shared_memory_at(t->checkpoint), t->checkpoint_bytes,
                          image);
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
    flo_flow_init(t->flow, t->theta);
    if (t->options->init)
        FLO_TRY(flo_inherit(t));
    flo_watch_at(t->comm, FLO_PHASE_PREPROCESSING, 0);
    FLO_TRY(flo_origins_take(t));
    FLO_TRY(flo_preprocessing_fit(t));
    FLO_TRY(flo_preprocessing_check(t, FLO_VALIDATION));
    FLO_TRY(flo_preprocessing_check(t, FLO_TEST));
    if (!t->options->init)
        FLO_TRY(start_from_data(t));
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
    FLO_TRY(flo_start_image(t, &image));
    flo_status status =
        flo_snapshot_read(t->context, image, t->resumed_path, &snapshot, &core);
    flo_image_destroy(&image);
    if (status == FLO_OK && t->directory) {
        announce(t, core);
        status = flo_directory_cut_metrics(t->directory, t->progress.step);
    }
    t->started_step = t->progress.step;
    flo_free(t->context, &core);
    flo_shared_memory_destroy(&t->checkpoint);
    return status;
}

/* Rank 0: whether best.h5, which the checkpoint knows of, is whole. */
static bool best_is_whole(flo_trainer *t)
{
    void *bytes;
    size_t size;
    if (!t->directory || !isfinite(t->progress.best))
        return true;
    const char *const path = flo_directory_file(t->directory, "checkpoints/best.h5");
    if (flo_sealed_read(t->context, path, &bytes, &size) == FLO_OK) {
        flo_free(t->context, &bytes);
        return true;
    }
    char reason[FLO_MESSAGE_BYTES / 2];
    snprintf(reason, sizeof reason, "%s", flo_context_message(t->context));
    flo_report_failure(
        t,
        "skipped %s; the best parameters, of step %lld, are lost: the next "
        "validation counts as the best so far",
        reason, (long long)t->progress.best_step);
    return false;
}

/* A best that is lost must not be what the run ends with, hours later. */
static void check_best(flo_trainer *t)
{
    bool whole = best_is_whole(t);
    flo_comm_broadcast(t->comm, &whole, sizeof whole);
    if (!whole) {
        t->progress.best = -INFINITY;
        t->progress.best_step = 0;
    }
    t->saving.best_step = t->progress.best_step;
}

flo_status flo_start_resume(flo_trainer *t)
{
    FLO_TRY(flo_comm_agree(t->comm, t->context, read_snapshot(t)));
    FLO_TRY(flo_origins_take(t));
    check_best(t);
    return FLO_OK;
}
