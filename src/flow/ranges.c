/* The ranges of numbers that pass through a flow. */
#include "flow/ranges.h"

#include <math.h>

static const char *const descriptions[] = {
    [FLO_WHOLE_LINE] = "any number",
    [FLO_POSITIVE] = "positive numbers",
    [FLO_UNIT_INTERVAL] = "numbers between 0 and 1",
    [FLO_ANY_RANGE] = "numbers of any range",
};

static const flo_bijection_kind *kind_of(const flo_flow *flow, int64_t k)
{
    return flow->layer[k].bijection->kind;
}

/* What layer k gives of what it is given. */
static flo_range after(const flo_bijection_kind *kind, flo_range given)
{
    return kind->domain == FLO_ANY_RANGE ? given : kind->image;
}

static bool fits(flo_range given, flo_range taken)
{
    return given == taken || given == FLO_ANY_RANGE || taken == FLO_ANY_RANGE;
}

/* Data may be of any range, and so may noise under a base that is bounded itself. */
flo_status flo_ranges_check(const flo_flow *flow, const flo_node *node)
{
    const bool sampling = flow->direction == FLO_DIRECTION_SAMPLING;
    const flo_range base = flow->base->kind->bounded ? FLO_ANY_RANGE : FLO_WHOLE_LINE;
    flo_range given = sampling ? base : FLO_ANY_RANGE;
    const char *giver = sampling ? flow->base->kind->name : "data";
    for (int64_t k = 0; k < flow->layers; k++) {
        const flo_range taken = kind_of(flow, k)->domain;
        if (!fits(given, taken))
            return flo_settings_fail(
                flow->arena, node, "layers that fit together: %s takes %s, %s gives %s",
                flow->layer[k].name, descriptions[taken], giver, descriptions[given]);
        given = after(kind_of(flow, k), given);
        giver = flow->layer[k].name;
    }
    if (!sampling && !fits(given, base))
        return flo_settings_fail(
            flow->arena, node,
            "layers that give any number to the base density %s, %s gives %s; add a "
            "layer that takes those (logit, inverse_softplus), or choose a bounded "
            "base",
            flow->base->kind->name, giver, descriptions[given]);
    return FLO_OK;
}

bool flo_ranges_are_limited(const flo_flow *flow)
{
    if (flow->direction == FLO_DIRECTION_SAMPLING)
        return false; /* the first layers are given noise */
    for (int64_t k = 0; k < flow->fixed; k++) {
        const flo_range domain = kind_of(flow, k)->domain;
        if (domain == FLO_POSITIVE || domain == FLO_UNIT_INTERVAL)
            return true;
    }
    return false;
}

/* Two rows, of the least and of the greatest numbers, and what passing them takes. */
typedef struct ends {
    flo_real *x, *z; /* [2, D] */
    double logdet[2];
    flo_pass pass;
} ends;

static flo_status take_ends(const flo_flow *flow, ends *e)
{
    int64_t scratch = 0, cache = 0;
    for (int64_t k = 0; k < flow->fixed; k++) {
        const flo_bijection *const b = flow->layer[k].bijection;
        const int64_t wanted = 2 * b->scratch + b->scratch_fixed;
        scratch = wanted > scratch ? wanted : scratch;
        cache = 2 * b->cache > cache ? 2 * b->cache : cache;
    }
    *e = (ends){.pass = {.rows = 2}};
    FLO_TRY(flo_arena_take(flow->arena, 2 * flow->features, sizeof *e->x, &e->x));
    FLO_TRY(flo_arena_take(flow->arena, 2 * flow->features, sizeof *e->z, &e->z));
    FLO_TRY(flo_arena_take(flow->arena, cache, sizeof(flo_real), &e->pass.cache));
    return flo_arena_take(flow->arena, scratch, sizeof(flo_real), &e->pass.scratch);
}

/* One layer further: the first column that it does not take. */
static flo_status pass_layer(const flo_flow *flow, const char *name, int64_t k, ends *e)
{
    const int64_t D = flow->features;
    const flo_bijection *const b = flow->layer[k].bijection;
    b->kind->forward(b, NULL, &e->pass, e->x, e->z, e->logdet);
    for (int64_t j = 0; j < D; j++)
        if (!isfinite(e->z[j]) || !isfinite(e->z[D + j]))
            return flo_fail(
                flo_arena_context(flow->arena), FLO_ERROR_DATA,
                "%s: column %lld of data set '%s' reaches from %g to %g as the layer "
                "is "
                "given it, wanted %s; scale the data in the file, leave the column out "
                "with data.columns, or change the layer",
                flow->layer[k].name, (long long)j, name, (double)e->x[j],
                (double)e->x[D + j], descriptions[b->kind->domain]);
    flo_real *const given = e->x;
    e->x = e->z;
    e->z = given;
    return FLO_OK;
}

flo_status flo_ranges_check_data(const flo_flow *flow, const char *name,
                                 const double *low, const double *high)
{
    ends e;
    FLO_TRY(take_ends(flow, &e));
    for (int64_t j = 0; j < flow->features; j++) {
        e.x[j] = (flo_real)low[j];
        e.x[flow->features + j] = (flo_real)high[j];
    }
    for (int64_t k = 0; k < flow->fixed; k++)
        FLO_TRY(pass_layer(flow, name, k, &e));
    return FLO_OK;
}
