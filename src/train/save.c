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

/* The image is built here, so that training may go on; only the writing is in the
   background. The writer owns the bytes. */
static flo_status begin(flo_trainer *t, flo_file_writer *writer, const char *path)
{
    void *bytes;
    size_t size;
    const flo_snapshot snapshot = flo_save_view(t);
    FLO_TRY(flo_snapshot_write(t->context, &snapshot, &bytes, &size));
    return flo_file_writer_start(writer, path, bytes, size);
}

static void failed(flo_trainer *t)
{
    t->save_failures++;
    flo_report_line(t,
                    "checkpoint failed: %s; training goes on, older checkpoints stay",
                    flo_context_message(t->context));
}

/* Waits for the step file under way and removes those that it replaces. */
static flo_status settle(flo_trainer *t)
{
    if (t->saving_step < 0)
        return FLO_OK;
    const int64_t step = t->saving_step;
    t->saving_step = -1;
    FLO_TRY(flo_file_writer_wait(t->writer));
    t->saved_step = step;
    return flo_checkpoints_prune(t->directory, t->config.checkpoint.keep, step);
}

void flo_save_step(flo_trainer *t)
{
    t->saved_seconds = flo_seconds();
    flo_watch_at(t->comm, FLO_PHASE_CHECKPOINT, t->progress.step);
    if (!t->directory)
        return;
    if (settle(t) != FLO_OK)
        failed(t);
    if (begin(t, t->writer, flo_checkpoints_name(t->directory, t->progress.step)) !=
        FLO_OK)
        failed(t);
    else
        t->saving_step = t->progress.step;
}

void flo_save_best(flo_trainer *t)
{
    if (!t->directory)
        return;
    if (begin(t, t->best_writer,
              flo_directory_file(t->directory, "checkpoints/best.h5")) != FLO_OK)
        failed(t);
}

bool flo_save_is_due(const flo_trainer *t)
{
    const int64_t every = t->config.checkpoint.every, step = t->progress.step + 1;
    const double seconds = 60 * t->config.checkpoint.minutes;
    return (every && step % every == 0) ||
           (seconds > 0 && flo_seconds() - t->saved_seconds >= seconds);
}

/* Rank 0 alone. */
static flo_status save_last(flo_trainer *t)
{
    flo_status status = settle(t);
    if (t->saved_step != t->progress.step) {
        flo_save_step(t);
        status = settle(t);
    }
    FLO_TRY(status);
    FLO_TRY(flo_file_writer_wait(t->best_writer));
    if (t->save_failures)
        return flo_fail(t->context, FLO_ERROR_FILE,
                        "%s: %lld checkpoints on the way could not be written (see "
                        "log.txt); the last state is saved, but check the disk",
                        t->config.run.directory, (long long)t->save_failures);
    return FLO_OK;
}

flo_status flo_save_last(flo_trainer *t)
{
    flo_watch_at(t->comm, FLO_PHASE_CHECKPOINT, t->progress.step);
    return flo_comm_agree(t->comm, t->context, t->directory ? save_last(t) : FLO_OK);
}
