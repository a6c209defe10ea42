/* Reverse KL to an analytic target: the value of a sample is its share of the evidence
   bound.

   With noise z from the base and x = f(z): value = log target(x) + log|det dx/dz| -
   log base(z), whose mean is log evidence - KL(q || target) (Rezende & Mohamed 2015,
   arXiv 1505.05770). */
#include "objective/objective.h"

#include <math.h>

typedef struct reverse_kl {
    flo_node *node;
    flo_density *target;
} reverse_kl;

static const flo_setting rows[] = {
    {.name = "target",
     .type = FLO_NODE,
     .offset = offsetof(reverse_kl, node),
     .flags = FLO_REQUIRED,
     .help = "the density to approximate, e.g. {kind: correlated_normal, features: 4}"},
    {.name = NULL}};
static const flo_settings settings = {
    "reverse_kl", "variational inference: fits samples of the flow to a target density",
    rows};

static flo_status configure(flo_objective *self, flo_arena *arena, flo_node *node)
{
    reverse_kl *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    FLO_TRY(flo_density_create(arena, s->node, 0, 0, &s->target));
    if (s->target->parameters.size)
        return flo_settings_fail(arena, s->node,
                                 "a target without parameters to learn");
    self->features = s->target->features;
    self->state = s;
    return FLO_OK;
}

/* The target's pass: it has no parameters, context or cache of its own. */
static flo_pass target_pass(const flo_workspace *w)
{
    return (flo_pass){.rows = w->rows, .scratch = w->scratch};
}

static void forward(const flo_objective *self, const flo_flow *flow,
                    const flo_real *theta, flo_workspace *w, flo_rows_place place)
{
    const reverse_kl *const s = self->state;
    const flo_random_key key = {flow->seed, FLO_RANDOM_OBJECTIVE, place.step, 0};
    flo_workspace_sample(flow, theta, w, key, place.first_row, 1);
    flo_flow_generate(flow, theta, w);
    const flo_pass pass = target_pass(w);
    for (int64_t i = 0; i < w->rows; i++) {
        w->log_prob[i] = 0;
        w->weight[i] = 1;
    }
    flow->base->kind->log_prob(flow->base, theta + flow->base_parameters, &pass,
                               flo_workspace_noise(flow, w), w->log_prob);
    for (int64_t i = 0; i < w->rows; i++)
        w->log_prob[i] = w->logdet[i] - w->log_prob[i];
    s->target->kind->log_prob(s->target, NULL, &pass, flo_workspace_data(flow, w),
                              w->log_prob);
}

static void backward(const flo_objective *self, const flo_flow *flow,
                     const flo_real *theta, flo_workspace *w, flo_real *dbase)
{
    (void)theta, (void)dbase;
    const reverse_kl *const s = self->state;
    for (int64_t i = 0; i < w->rows; i++)
        w->dlogdet[i] = -1;
    const flo_pass pass = target_pass(w);
    s->target->kind->backward(s->target, NULL, &pass, flo_workspace_data(flow, w),
                              w->dlogdet, w->gradient[0], w->dcontext, NULL);
}

const flo_objective_kind flo_reverse_kl = {
    .name = "reverse_kl",
    .value_name = "evidence_bound",
    .settings = &settings,
    .direction = FLO_DIRECTION_SAMPLING,
    .uses_data = false,
    .configure = configure,
    .forward = forward,
    .backward = backward,
};
