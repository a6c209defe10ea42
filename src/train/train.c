/* Training: the list of verbs. */
#include "train/train.h"

#include "comm/watch.h"
#include "core/clock.h"
#include "core/lane_tree.h"
#include "run/signals.h"
#include "train/compare.h"
#include "train/finish.h"
#include "train/report.h"
#include "train/save.h"

#include <math.h>

/* What the verbs of one step hand on. */
typedef struct step {
    double value, weight; /* sums over the batch */
    double rate, norm;
    flo_evaluation validation;
    bool validated;    /* at this step */
    int64_t nonfinite; /* rows of this rank */
    flo_status read;   /* of this rank's rows */
    bool unread;       /* of all ranks: the step does not count */
    bool bad;          /* of all ranks: the step is skipped */
    bool save;         /* after this step */
    bool stop;
} step;

static bool done(const flo_trainer *t)
{
    const int64_t patience = t->config.train.patience;
    return t->progress.step >= t->steps || (patience && t->progress.waited >= patience);
}

/* The first step's failure is agreed on at once. Later ones are told with the sums of
   the step, which then does not count: one meeting of all ranks less. */
static flo_status read_batch(flo_trainer *t, bool first, step *s)
{
    flo_watch_at(t->comm, FLO_PHASE_READING, t->progress.step + 1);
    s->read = t->feed ? flo_feed_prepare(t->feed, t->progress.step) : FLO_OK;
    return first ? flo_comm_agree(t->comm, t->context, s->read) : FLO_OK;
}

static bool wants_to_stop(const flo_trainer *t)
{
    const double limit = t->options->max_seconds;
    return flo_signals_pending() ||
           (limit > 0 && flo_seconds() - t->start_seconds >= limit);
}

/* Forward, backward and the sum over lanes and ranks; what all must know of it. */
static void compute_gradient(flo_trainer *t, step *s)
{
    const int64_t V = t->plan.lanes;
    double *const value = t->control, *const weight = value + V,
                  *const flags = weight + V;
    flo_watch_at(t->comm, FLO_PHASE_GRADIENT, t->progress.step + 1);
    s->nonfinite =
        flo_gradient_compute(t->gradient, t->theta, t->progress.step, value, weight);
    flags[0] = (double)s->nonfinite;
    flags[1] = wants_to_stop(t);
    flags[2] = s->read != FLO_OK;
    flags[3] = flo_save_is_due(t);
    flo_comm_share(t->comm, t->control, 2 * V + FLO_CONTROL_FLAGS);
    s->value = flo_lane_sum_doubles(V, value);
    s->weight = flo_lane_sum_doubles(V, weight);
    s->bad = flags[0] > 0 || !(s->weight > 0);
    s->stop = flags[1] > 0;
    s->unread = flags[2] > 0;
    s->save = flags[3] > 0;
}

/* Too many steps in a row whose gradient is not finite. */
static flo_status give_up(flo_trainer *t, const step *s)
{
    const char *const layer = flo_gradient_bad_layer(t->gradient);
    flo_status status = FLO_OK;
    if (s->nonfinite || flo_comm_rank(t->comm) == flo_comm_size(t->comm) - 1)
        status =
            flo_fail(t->context, FLO_ERROR_NUMERIC,
                     "step %lld: %lld steps in a row gave values that are not finite; "
                     "the first such output is that of %s; lower train.learning_rate, "
                     "add train.warmup_steps, or look for extreme rows in the data",
                     (long long)t->progress.step, (long long)t->progress.bad_steps,
                     layer ? layer : "the gradient alone");
    return flo_comm_agree(t->comm, t->context, status);
}

/* Clip, optimizer, average; a step whose gradient is not finite is skipped by all. */
static flo_status update(flo_trainer *t, step *s)
{
    const flo_real *const gradient = flo_gradient_vector(t->gradient);
    t->progress.step++;
    flo_watch_at(t->comm, FLO_PHASE_UPDATE, t->progress.step);
    s->rate = flo_schedule_rate(&t->config.train.schedule, &t->progress.plateau,
                                t->progress.step, t->steps);
    const double scale = s->bad ? 0 : 1 / s->weight;
    s->norm = flo_optimizer_norm(t->optimizer, gradient, scale, t->threads);
    if (s->bad || !isfinite(s->norm)) {
        t->progress.bad_total++;
        t->progress.bad_steps++;
        return t->progress.bad_steps >= t->config.train.max_bad_steps ? give_up(t, s)
                                                                      : FLO_OK;
    }
    t->progress.bad_steps = 0;
    t->progress.window_value += s->value;
    t->progress.window_weight += s->weight;
    const flo_step_numbers numbers = {
        .step = t->progress.step, .rate = s->rate, .gradient_scale = scale};
    flo_optimizer_step(t->optimizer, numbers, s->norm, gradient, t->theta, t->threads);
    return FLO_OK;
}

static bool validates(const flo_trainer *t)
{
    const int64_t every = t->config.report.validate_every;
    const bool due =
        (every && t->progress.step % every == 0) || t->progress.step == t->steps;
    return due && t->rows[FLO_VALIDATION];
}

static flo_status validate(flo_trainer *t, step *s)
{
    s->validated = false;
    if (!validates(t))
        return FLO_OK;
    flo_watch_at(t->comm, FLO_PHASE_VALIDATION, t->progress.step);
    FLO_TRY(flo_evaluate(t->comm, t->context, t->tiles, flo_trainer_parameters(t),
                         t->rows[FLO_VALIDATION], &s->validation));
    const double found = s->validation.log_likelihood;
    s->validated = true;
    flo_plateau_see(&t->config.train.schedule, &t->progress.plateau, found);
    t->progress.waited++;
    if (found > t->progress.best) {
        t->progress.best = found;
        t->progress.best_step = t->progress.step;
        t->progress.waited = 0;
        flo_save_best(t);
    }
    return FLO_OK;
}

/* Every report.every steps, and in every step whose state may be saved. */
static flo_status compare_if_due(flo_trainer *t, const step *s)
{
    const bool due = t->progress.step % t->config.report.every == 0 || validates(t) ||
                     s->save || s->stop || done(t);
    return due ? flo_compare_ranks(t) : FLO_OK;
}

static flo_status run(flo_trainer *t, flo_outcome *outcome)
{
    step s = {.stop = false};
    for (bool first = true; !done(t) && !s.stop; first = false) {
        FLO_TRY(read_batch(t, first, &s));
        compute_gradient(t, &s);
        if (s.unread)
            return flo_comm_agree(t->comm, t->context, s.read);
        FLO_TRY(update(t, &s));
        FLO_TRY(compare_if_due(t, &s));
        FLO_TRY(validate(t, &s));
        flo_report_step(t, s.rate, s.norm, s.validated ? &s.validation : NULL);
        FLO_TRY(flo_finish_samples_if_due(t));
        if (s.save)
            flo_save_step(t);
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
