/* Training: the list of verbs. */
#include "train/train.h"

#include "comm/watch.h"
#include "train/compare.h"
#include "train/finish.h"
#include "train/report.h"
#include "train/save.h"
#include "train/step.h"

static bool done(const flo_trainer *t)
{
    const int64_t patience = t->config.train.patience;
    return t->progress.step >= t->steps || (patience && t->progress.waited >= patience);
}

static bool validates(const flo_trainer *t)
{
    const int64_t every = t->config.report.validate_every;
    const bool due =
        (every && t->progress.step % every == 0) || t->progress.step == t->steps;
    return due && t->rows[FLO_VALIDATION];
}

static flo_status validate(flo_trainer *t, flo_evaluation *validation)
{
    flo_watch_at(t->comm, FLO_PHASE_VALIDATION, t->progress.step);
    FLO_TRY(flo_evaluate(t->comm, t->context, t->tiles, flo_trainer_parameters(t),
                         t->rows[FLO_VALIDATION], validation));
    const double found = validation->log_likelihood;
    flo_plateau_see(&t->config.train.schedule, &t->progress.plateau, found);
    t->progress.waited++;
    if (found > t->progress.best) {
        t->progress.best = found;
        t->progress.best_step = t->progress.step;
        t->progress.waited = 0;
    }
    return FLO_OK;
}

/* Every report.every steps, and in every step whose state may be saved. */
static flo_status compare_if_due(flo_trainer *t, const flo_step *s)
{
    const bool due = t->progress.step % t->config.report.every == 0 || validates(t) ||
                     s->save || s->stop || done(t);
    return due ? flo_compare_ranks(t) : FLO_OK;
}

static flo_status run(flo_trainer *t, flo_outcome *outcome)
{
    flo_step s = {.stop = false};
    flo_evaluation validation;
    for (bool first = true; !done(t) && !s.stop; first = false) {
        FLO_TRY(flo_step_read(t, first, &s));
        flo_step_gradient(t, &s);
        if (s.unread)
            return flo_comm_agree(t->comm, t->context, s.read);
        FLO_TRY(flo_step_update(t, &s));
        FLO_TRY(compare_if_due(t, &s));
        const bool validated = validates(t);
        if (validated)
            FLO_TRY(validate(t, &validation));
        flo_report_step(t, s.rate, s.norm, validated ? &validation : NULL);
        FLO_TRY(flo_finish_samples_if_due(t));
        flo_save_if_due(t, s.save);
    }
    *outcome = done(t) ? FLO_OUTCOME_FINISHED : FLO_OUTCOME_STOPPED;
    return *outcome == FLO_OUTCOME_FINISHED ? flo_finish(t) : flo_finish_stopped(t);
}

static flo_status train(flo_trainer *t, flo_outcome *outcome)
{
    FLO_TRY(flo_trainer_create(t->comm, t->context, t->options, t));
    FLO_TRY(flo_compare_hosts(t));
    if (t->options->check) {
        flo_report_check(t);
        return FLO_OK;
    }
    flo_report_banner(t);
    FLO_TRY(flo_finish_begin(t));
    flo_report_start(t);
    return run(t, outcome);
}

flo_status flo_train(flo_comm *comm, flo_context *context,
                     const flo_train_options *options, flo_outcome *outcome)
{
    flo_trainer t = {.comm = comm, .context = context, .options = options};
    *outcome = FLO_OUTCOME_FINISHED;
    const flo_status status = train(&t, outcome);
    if (status != FLO_OK)
        flo_finish_failed(&t);
    flo_trainer_destroy(&t);
    return status;
}
