/* Weighted maximum likelihood: the value of a row is its log-density. */
#include "objective/objective.h"

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {"likelihood", "log-likelihood of weighted data",
                                      rows};

static flo_status configure(flo_objective *self, flo_arena *arena, flo_node *node)
{
    (void)self;
    return flo_settings_read(arena, NULL, node, &settings, NULL);
}

static void forward(const flo_objective *self, const flo_flow *flow,
                    const flo_real *theta, flo_workspace *w, flo_rows_place place)
{
    (void)self, (void)place;
    flo_flow_log_prob(flow, theta, w);
}

/* The loss is -sum w_i (log p_base(z_i) + logdet_i). */
static void backward(const flo_objective *self, const flo_flow *flow,
                     const flo_real *theta, flo_workspace *w, flo_real *dbase)
{
    (void)self;
    for (int64_t i = 0; i < w->rows; i++)
        w->dlogdet[i] = -(double)w->weight[i];
    const flo_pass pass = flo_workspace_pass(w, flow->layers);
    flow->base->kind->backward(flow->base, theta + flow->base_parameters, &pass,
                               flo_workspace_noise(flow, w), w->dlogdet, w->gradient[0],
                               w->dcontext, dbase);
}

const flo_objective_kind flo_likelihood = {
    .name = "likelihood",
    .value_name = "log_likelihood",
    .settings = &settings,
    .direction = FLO_DIRECTION_DENSITY,
    .uses_data = true,
    .configure = configure,
    .forward = forward,
    .backward = backward,
};
