/* The ranges of numbers that pass through a flow, column by column. */
#include "flow/ranges.h"

/* A chain of layers, and what each column is on its way through it. */
typedef struct chain {
    flo_arena *arena;
    const flo_node *node; /* where its errors stand */
    int64_t features;
    const char *giver; /* of the numbers that come next */
    flo_range *given;  /* [features] */
} chain;

static bool fits(flo_range given, flo_range taken)
{
    return given == taken || given == FLO_ANY_RANGE || taken == FLO_ANY_RANGE;
}

static flo_status start(chain *c, flo_range given)
{
    FLO_TRY(flo_arena_take(c->arena, c->features, sizeof *c->given, &c->given));
    for (int64_t j = 0; j < c->features; j++)
        c->given[j] = given;
    return FLO_OK;
}

/* What columns that change places are: of one range, or of mixed ones. */
static flo_range mixed(const chain *c)
{
    flo_range all = FLO_ANY_RANGE;
    for (int64_t j = 0; j < c->features; j++) {
        if (!fits(c->given[j], all))
            return FLO_MIXED_RANGES;
        all = all == FLO_ANY_RANGE ? c->given[j] : all;
    }
    return all;
}

/* One layer further. A layer of any range may change the places of columns. Of what the
   first layers make of data, `checked`, every number is looked at when a run starts:
   where it may be any number, they may take a part of the line. */
static flo_status pass_layer(chain *c, const flo_layer *layer, bool checked)
{
    const flo_bijection *const b = layer->bijection;
    if (b->kind->domain == FLO_ANY_RANGE) {
        const flo_range all = mixed(c);
        for (int64_t j = 0; j < c->features; j++)
            c->given[j] = all;
    }
    for (int64_t j = 0; j < c->features; j++) {
        const flo_range taken = flo_bijection_takes(b, j);
        const bool any = checked && c->given[j] == FLO_WHOLE_LINE;
        if (!any && !fits(c->given[j], taken))
            return flo_settings_fail(
                c->arena, c->node,
                "layers that fit together: %s takes %s in column %lld, %s gives %s%s",
                layer->name, flo_range_words(taken), (long long)j, c->giver,
                flo_range_words(c->given[j]),
                taken == FLO_WHOLE_LINE ? "; add a layer that takes those (logit, "
                                          "inverse_softplus) between them"
                                        : "");
        c->given[j] = flo_bijection_gives(b, j, c->given[j]);
    }
    c->giver = layer->name;
    return FLO_OK;
}

/* Data may be of any range, and so may noise under a base that is bounded itself. */
static flo_status check_features(const flo_flow *flow, const flo_node *node)
{
    const bool sampling = flow->direction == FLO_DIRECTION_SAMPLING;
    const flo_density_kind *const base = flow->base->kind;
    const flo_range taken = base->bounded ? FLO_ANY_RANGE : FLO_WHOLE_LINE;
    chain c = {flow->arena, node, flow->features, sampling ? base->name : "data", NULL};
    FLO_TRY(start(&c, sampling ? taken : FLO_ANY_RANGE));
    for (int64_t k = 0; k < flow->layers; k++)
        FLO_TRY(pass_layer(&c, &flow->layer[k], !sampling && k < flow->fixed));
    for (int64_t j = 0; j < flow->features && !sampling; j++)
        if (!fits(c.given[j], taken))
            return flo_settings_fail(
                flow->arena, node,
                "layers that give any number to the base density %s, %s gives %s in "
                "column %lld; add a layer that takes those (logit, inverse_softplus), "
                "or choose a bounded base",
                base->name, c.giver, flo_range_words(c.given[j]), (long long)j);
    return FLO_OK;
}

/* What networks are given may be of any range. */
static flo_status check_context(const flo_flow *flow, const flo_node *node)
{
    chain c = {flow->arena, node, flow->context, "the context", NULL};
    FLO_TRY(start(&c, FLO_ANY_RANGE));
    for (int64_t k = 0; k < flow->context_layers; k++)
        FLO_TRY(pass_layer(&c, &flow->context_layer[k], true));
    return FLO_OK;
}

flo_status flo_ranges_check(const flo_flow *flow, const flo_node *root)
{
    const flo_node *const layers = flo_node_find(flo_node_find(root, "flow"), "layers");
    const flo_node *const steps = flo_node_find(root, "preprocess_context");
    FLO_TRY(check_features(flow, layers));
    return steps ? check_context(flow, steps) : FLO_OK;
}

bool flo_ranges_are_limited(const flo_layer *layer, int64_t first, int64_t last)
{
    for (int64_t k = first; k < last; k++) {
        const flo_range domain = layer[k].bijection->kind->domain;
        if (domain != FLO_WHOLE_LINE && domain != FLO_ANY_RANGE)
            return true;
    }
    return false;
}
