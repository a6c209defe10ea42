/* The registry of objectives, and one made from the config. */
#include "objective/objective.h"

#include <math.h>
#include <string.h>

extern const flo_objective_kind flo_likelihood;
extern const flo_objective_kind flo_reverse_kl;

const flo_objective_kind *const flo_objective_kinds[] = {&flo_likelihood,
                                                         &flo_reverse_kl, NULL};

flo_status flo_objective_create(flo_arena *arena, flo_node *root,
                                flo_objective **objective)
{
    flo_node *node = flo_node_find(root, "objective");
    if (!node) {
        FLO_TRY(
            flo_node_set(arena, root, "objective", "{kind: likelihood}", "default"));
        node = flo_node_find(root, "objective");
    }
    const flo_node *const name =
        node->kind == FLO_NODE_MAP ? flo_node_find(node, "kind") : NULL;
    const flo_objective_kind *const *kind = flo_objective_kinds;
    while (*kind && (!name || name->kind != FLO_NODE_SCALAR ||
                     strcmp((*kind)->name, name->text) != 0))
        kind++;
    if (!*kind)
        return flo_settings_fail(
            arena, name ? name : node,
            "{kind: likelihood} or {kind: reverse_kl, target: ..}");
    flo_objective *self;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *self, &self));
    self->kind = *kind;
    *objective = self;
    return (*kind)->configure(self, arena, node);
}

flo_status flo_objective_check(const flo_objective *objective, flo_arena *arena,
                               flo_node *root, const flo_flow *flow)
{
    flo_node *const node = flo_node_find(root, "flow");
    if (flow->direction != objective->kind->direction)
        return flo_settings_fail(
            arena, node, "flow.direction: %s, which objective %s needs",
            objective->kind->direction == FLO_DIRECTION_DENSITY ? "density"
                                                                : "sampling",
            objective->kind->name);
    if (!objective->kind->uses_data && flow->base->parameters.size)
        return flo_settings_fail(
            arena, node,
            "a base without parameters, such as {kind: normal}, for "
            "objective %s",
            objective->kind->name);
    return FLO_OK;
}

flo_lane_result flo_objective_sum(const flo_workspace *w)
{
    flo_lane_result result = {0};
    for (int64_t i = 0; i < w->rows; i++) {
        const double weight = (double)w->weight[i];
        if (weight == 0)
            continue;
        result.value += weight * w->log_prob[i];
        result.weight += weight;
        result.nonfinite += !isfinite(w->log_prob[i]);
    }
    return result;
}
