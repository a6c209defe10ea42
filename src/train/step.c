/* One step of training. */
#include "train/step.h"

#include "comm/watch.h"
#include "core/clock.h"
#include "core/lane_tree.h"
#include "run/signals.h"
#include "train/save.h"

#include <math.h>

/* The first step's failure is agreed on at once. Later ones are told with the sums of
   the step, which then does not count: one meeting of all ranks less. */
flo_status flo_step_read(flo_trainer *t, bool first, flo_step *s)
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
void flo_step_gradient(flo_trainer *t, flo_step *s)
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
    const double before = flo_seconds();
    flo_comm_share(t->comm, t->control, 2 * V + FLO_CONTROL_FLAGS);
    s->meeting_seconds = flo_seconds() - before;
    s->value = flo_lane_sum_doubles(V, value);
    s->weight = flo_lane_sum_doubles(V, weight);
    s->bad = flags[0] > 0 || !(s->weight > 0);
    s->stop = flags[1] > 0;
    s->unread = flags[2] > 0;
    s->save = flags[3] > 0;
}

/* Too many steps in a row whose gradient is not finite. */
static flo_status give_up(flo_trainer *t, const flo_step *s)
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
flo_status flo_step_update(flo_trainer *t, flo_step *s)
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
