/* When and how a run is saved. */
#include "train/save.h"

#include "comm/watch.h"
#include "core/clock.h"
#include "run/checkpoints.h"
#include "train/report.h"

#include <string.h>

flo_snapshot flo_save_view(flo_trainer *t)
{
    return (flo_snapshot){.flow = t->flow,
                          .config = t->config_text,
                          .theta = t->theta,
                          .optimizer = t->optimizer,
                          .progress = &t->progress,
                          .rows = t->plan.rows,
                          .fingerprint = t->fingerprint,
                          .blocks = flo_lane_plan_blocks(&t->plan),
                          .ranks = flo_comm_size(t->comm),
                          .blas_core = t->blas_core};
}

static const char *best_path(flo_trainer *t)
{
    return flo_directory_file(t->directory, "checkpoints/best.h5");
}

/* The image is built here, so that training may go on; only the writing is in the
   background. */
static flo_status take_image(flo_trainer *t, void **bytes, size_t *size)
{
    const flo_snapshot snapshot = flo_save_view(t);
    flo_free(t->context, bytes);
    return flo_snapshot_write(t->context, &snapshot, bytes, size);
}

static void failed(flo_trainer *t)
{
    t->failures++;
    flo_report_line(t,
                    "checkpoint failed: %s; training goes on, older checkpoints stay",
                    flo_context_message(t->context));
}

/* Waits for the files under way and removes those that they replace. A best that could
   not be written stays for the next save. */
static flo_status settle(flo_trainer *t)
{
    flo_saving *const s = &t->saving;
    if (!s->under_way)
        return FLO_OK;
    int written;
    const int64_t step = s->step;
    const flo_status status = flo_file_writer_wait(s->writer, &written);
    s->under_way = false;
    s->step = -1;
    flo_free(t->context, &s->image);
    if (written)
        flo_free(t->context, &s->best); /* it is the first, where there is one */
    FLO_TRY(status);
    if (step < 0)
        return FLO_OK;
    s->saved_step = step;
    if (flo_checkpoints_prune(t->directory, t->config.checkpoint.keep, step) != FLO_OK)
        flo_report_line(t, "%s", flo_context_message(t->context));
    return FLO_OK;
}

static bool is_new_best(const flo_trainer *t)
{
    return t->progress.best_step != t->saving.best_step;
}

/* The image of a new best. The parameters of an earlier step are gone. */
static flo_status take_best(flo_trainer *t)
{
    flo_saving *const s = &t->saving;
    if (!is_new_best(t))
        return FLO_OK;
    if (t->progress.best_step != t->progress.step)
        return flo_fail(t->context, FLO_ERROR_MEMORY,
                        "there was no memory for the best parameters, of step %lld; "
                        "nothing is saved until there are better ones",
                        (long long)t->progress.best_step);
    FLO_TRY(take_image(t, &s->best, &s->best_size));
    s->best_step = t->progress.best_step;
    return FLO_OK;
}

/* Lines up the checkpoint of this step behind the best; they may be one image. */
static flo_status add_step(flo_trainer *t)
{
    flo_saving *const s = &t->saving;
    const char *const path = flo_checkpoints_name(t->directory, t->progress.step);
    if (s->best && s->best_step == t->progress.step)
        return flo_file_writer_add(s->writer, path, s->best, s->best_size);
    size_t size;
    FLO_TRY(take_image(t, &s->image, &size));
    return flo_file_writer_add(s->writer, path, s->image, size);
}

static flo_status begin(flo_trainer *t, bool step)
{
    flo_saving *const s = &t->saving;
    FLO_TRY(take_best(t));
    if (s->best)
        FLO_TRY(flo_file_writer_add(s->writer, best_path(t), s->best, s->best_size));
    const flo_status status = step ? add_step(t) : FLO_OK;
    s->step = step && status == FLO_OK ? t->progress.step : -1;
    s->under_way = true;
    flo_file_writer_start(s->writer);
    return status;
}

bool flo_save_is_due(const flo_trainer *t)
{
    const int64_t every = t->config.checkpoint.every, step = t->progress.step + 1;
    const double seconds = 60 * t->config.checkpoint.minutes;
    return (every && step % every == 0) ||
           (seconds > 0 && flo_seconds() - t->saved_seconds >= seconds);
}

void flo_save_if_due(flo_trainer *t, bool step)
{
    if (step)
        t->saved_seconds = flo_seconds();
    const bool best = is_new_best(t) && t->progress.best_step == t->progress.step;
    if (!t->directory || !(step || best))
        return;
    flo_watch_at(t->comm, FLO_PHASE_CHECKPOINT, t->progress.step);
    if (settle(t) != FLO_OK)
        failed(t);
    if (begin(t, step) != FLO_OK)
        failed(t);
}

/* Rank 0 alone. */
static flo_status save_last(flo_trainer *t)
{
    if (settle(t) != FLO_OK)
        failed(t);
    const bool step = t->saving.saved_step != t->progress.step;
    if (!step && !t->saving.best)
        return FLO_OK;
    FLO_TRY(begin(t, step));
    return settle(t);
}

flo_status flo_save_last(flo_trainer *t)
{
    flo_watch_at(t->comm, FLO_PHASE_CHECKPOINT, t->progress.step);
    return flo_comm_agree(t->comm, t->context, t->directory ? save_last(t) : FLO_OK);
}

void flo_saving_end(flo_trainer *t)
{
    flo_file_writer_destroy(&t->saving.writer);
    flo_free(t->context, &t->saving.best);
    flo_free(t->context, &t->saving.image);
}
