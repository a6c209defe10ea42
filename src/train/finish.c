/* The files at the ends of a run. */
#include "train/finish.h"

#include "comm/watch.h"
#include "flow/model_file.h"
#include "run/signals.h"
#include "train/generate.h"
#include "train/report.h"
#include "train/save.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static flo_status set_status(flo_trainer *t, const char *state, const char *message)
{
    flo_status status = FLO_OK;
    if (t->directory)
        status = flo_directory_status(t->directory, state, t->progress.step, message);
    return flo_comm_agree(t->comm, t->context, status);
}

/* Rank 0 alone. */
static flo_status write_config(flo_trainer *t)
{
    if (!t->directory)
        return FLO_OK;
    return flo_file_replace(t->context, flo_directory_file(t->directory, "config.yaml"),
                            t->config_text, strlen(t->config_text));
}

flo_status flo_finish_begin(flo_trainer *t)
{
    t->begun = true;
    FLO_TRY(flo_comm_agree(t->comm, t->context, write_config(t)));
    return set_status(t, "running", "");
}

/* Samples of a conditional flow take the context of held-out rows in their order, or of
   training rows where there are none. */
static flo_rows *conditions(const flo_trainer *t)
{
    if (!t->flow->context)
        return NULL;
    return t->rows[FLO_VALIDATION] ? t->rows[FLO_VALIDATION] : t->rows[FLO_TRAIN];
}

static flo_status write_samples(flo_trainer *t, const flo_real *theta)
{
    char path[4096] = "", source[4352];
    if (!t->config.report.samples)
        return FLO_OK;
    flo_watch_at(t->comm, FLO_PHASE_SAMPLES, t->progress.step);
    if (t->directory)
        snprintf(path, sizeof path, "%s",
                 flo_directory_file(t->directory, "samples/step-%010lld.h5",
                                    (long long)t->progress.step));
    snprintf(source, sizeof source, "flotilla train, %s, step %lld",
             t->config.run.directory, (long long)t->progress.step);
    const flo_generation task = {.seed = (uint64_t)t->config.run.seed,
                                 .count = t->config.report.samples,
                                 .temperature = 1,
                                 .conditions = conditions(t),
                                 .path = path,
                                 .force = true,
                                 .source = source};
    return flo_generate(t->comm, t->context, t->flow, t->tiles, theta, &task);
}

flo_status flo_finish_samples_if_due(flo_trainer *t)
{
    const int64_t every = t->config.report.sample_every;
    if (!every || t->progress.step % every || t->progress.step == t->steps)
        return FLO_OK;
    const flo_status status = write_samples(t, flo_trainer_parameters(t));
    if (status != FLO_ERROR_FILE)
        return status;
    t->failures++;
    flo_report_failure(t, "samples failed: %s; training goes on",
                       flo_context_message(t->context));
    return FLO_OK;
}

/* A run that was killed after its best, and resumed to end before that step. */
static flo_status note_other_best(flo_trainer *t, flo_image *image)
{
    int64_t step;
    FLO_TRY(flo_image_get_integer(image, "run", "step", &step));
    if (step != t->progress.best_step)
        flo_report_line(t,
                        "note: checkpoints/best.h5 is of step %lld, which this run had "
                        "reached before it was resumed from an earlier one; since then "
                        "there was no better",
                        (long long)step);
    return FLO_OK;
}

/* Rank 0 alone: the parameters of best.h5 into theta [P]. */
static flo_status read_best(flo_trainer *t, flo_real *theta)
{
    const char *const path = flo_directory_file(t->directory, "checkpoints/best.h5");
    void *bytes;
    size_t size;
    flo_image *image;
    FLO_TRY(flo_sealed_read(t->context, path, &bytes, &size));
    flo_status status = flo_image_open(t->context, path, bytes, size, &image);
    if (status == FLO_OK) {
        status = flo_model_read_vector(
            image, t->flow, flo_image_has(image, "average") ? "average" : "parameters",
            theta);
        if (status == FLO_OK)
            status = note_other_best(t, image);
        flo_image_destroy(&image);
    }
    flo_free(t->context, &bytes);
    return status;
}

/* The parameters that count at the end: of the best validation, else the last. In place
   of theta, which is saved by now. */
static flo_status take_best(flo_trainer *t)
{
    const size_t bytes = (size_t)t->flow->parameters.size * sizeof *t->theta;
    flo_status status = FLO_OK;
    if (isfinite(t->progress.best) && t->directory)
        status = read_best(t, t->theta);
    else
        memcpy(t->theta, flo_trainer_parameters(t), bytes);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    flo_comm_broadcast(t->comm, t->theta, (int64_t)bytes);
    return FLO_OK;
}

static flo_status evaluate_test(flo_trainer *t, const flo_normals *normals)
{
    flo_rows *const test = t->rows[FLO_TEST];
    flo_evaluation e;
    flo_reconstruction r;
    flo_normal_figures figures;
    if (!test)
        return FLO_OK;
    flo_watch_at(t->comm, FLO_PHASE_TEST, t->progress.step);
    /* As `evaluate` reads and scores them. */
    flo_rows_keep_bad(test, true);
    flo_tiles_score(t->tiles, t->config.report.draws);
    FLO_TRY(flo_evaluate(t->comm, t->context, t->tiles, t->theta, test, &e));
    FLO_TRY(flo_reconstruct(t->comm, t->context, t->tiles, t->theta, test, &r));
    flo_rows_keep_bad(test, false);
    flo_tiles_score(t->tiles, 0);
    FLO_TRY(flo_normals_score(t, normals, test, &figures));
    return flo_comm_agree(t->comm, t->context,
                          flo_report_test(t, &e, &r, normals, &figures));
}

/* The normals on the validation rows; on those of training where there are no others to
   tell of. */
static flo_status compare_normals(flo_trainer *t, const flo_normals *normals)
{
    const flo_split split = t->rows[FLO_VALIDATION] ? FLO_VALIDATION : FLO_TRAIN;
    flo_evaluation e;
    flo_normal_figures figures;
    if (split == FLO_TRAIN && t->rows[FLO_TEST])
        return FLO_OK;
    FLO_TRY(flo_evaluate(t->comm, t->context, t->tiles, t->theta, t->rows[split], &e));
    FLO_TRY(flo_normals_score(t, normals, t->rows[split], &figures));
    flo_report_normals(t, split == FLO_TRAIN ? "train" : "validation", normals,
                       &figures, e.log_likelihood, e.standard_error);
    return FLO_OK;
}

static flo_status evaluate(flo_trainer *t)
{
    flo_normals normals;
    if (!t->rows[FLO_TRAIN])
        return FLO_OK;
    flo_watch_at(t->comm, FLO_PHASE_TEST, t->progress.step);
    FLO_TRY(flo_normals_fit(t, &normals));
    flo_status status = compare_normals(t, &normals);
    if (status == FLO_OK)
        status = evaluate_test(t, &normals);
    flo_normals_free(t, &normals);
    return status;
}

/* A finished run that is resumed has its files already. */
static bool is_finished(flo_trainer *t)
{
    int64_t finished = t->was_finished && t->progress.step == t->started_step;
    flo_comm_broadcast(t->comm, &finished, sizeof finished);
    return finished;
}

/* Rank 0 alone: nothing is missing in the run, and the disk never failed. */
static flo_status check_complete(flo_trainer *t)
{
    if (!t->directory)
        return FLO_OK;
    FLO_TRY(flo_directory_metrics_kept(t->directory));
    if (!t->failures)
        return FLO_OK;
    return flo_fail(t->context, FLO_ERROR_FILE,
                    "%s: the run came to its end and is saved, but on the way %lld "
                    "checkpoints or samples could not be written (log.txt tells which, "
                    "and why): check the disk, then mark it finished by --resume",
                    t->config.run.directory, (long long)t->failures);
}

flo_status flo_finish(flo_trainer *t)
{
    if (is_finished(t)) {
        flo_report_line(t, "finished already at step %lld; more train.steps go on",
                        (long long)t->progress.step);
        return set_status(t, "finished", "");
    }
    FLO_TRY(flo_save_last(t));
    FLO_TRY(take_best(t));
    FLO_TRY(evaluate(t));
    FLO_TRY(write_samples(t, t->theta));
    flo_report_line(t, "finished at step %lld%s: %s", (long long)t->progress.step,
                    t->progress.step < t->steps ? " (early, no new best)" : "",
                    t->config.run.directory);
    FLO_TRY(flo_comm_agree(t->comm, t->context, check_complete(t)));
    return set_status(t, "finished", "");
}

/* What failed on the way was told then; the exit code says that the run can go on. */
flo_status flo_finish_stopped(flo_trainer *t)
{
    FLO_TRY(flo_save_last(t));
    if (t->directory && flo_directory_metrics_kept(t->directory) != FLO_OK)
        flo_report_failure(t, "%s", flo_context_message(t->context));
    const int signal = flo_signals_pending();
    flo_report_line(t, "stopped at step %lld%s%s, saved: go on with --resume",
                    (long long)t->progress.step, signal ? " by signal " : "",
                    signal ? strsignal(signal) : "");
    return set_status(t, "stopped", "");
}

void flo_finish_failed(flo_trainer *t)
{
    /* The message that is printed is that of the failure, not of this attempt. */
    char message[FLO_MESSAGE_BYTES];
    if (!t->directory || !t->begun)
        return;
    snprintf(message, sizeof message, "%s", flo_context_message(t->context));
    if (flo_directory_log(t->directory, message) != FLO_OK ||
        flo_directory_status(t->directory, "failed", t->progress.step, message) !=
            FLO_OK)
        fprintf(stderr, "%s\n", flo_context_message(t->context));
    snprintf(t->context->message, sizeof t->context->message, "%s", message);
}
