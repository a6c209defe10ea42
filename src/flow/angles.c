/* Columns that are angles, on their way through a flow. */
#include "flow/angles.h"

#include <string.h>

static int64_t first_lost(const flo_bijection *b)
{
    int64_t j = 0;
    while (j < b->features && !(b->angles[j] && !(b->passes && b->passes[j])))
        j++;
    return j;
}

static flo_status refuse(flo_arena *arena, const flo_node *node, const flo_layer *layer)
{
    const flo_bijection *const b = layer->bijection;
    const int64_t j = first_lost(b);
    if (j == b->features)
        return FLO_OK;
    if (!b->parameters.size)
        return flo_settings_fail(
            arena, node,
            "steps that leave angles alone: column %lld of %s is an angle "
            "(data.period); "
            "take a step without it in `columns`, such as {kind: standardize}, which "
            "takes the others",
            (long long)j, layer->name);
    return flo_settings_fail(
        arena, node,
        "layers that keep angles on their circle: column %lld of %s is an angle "
        "(data.period); take spline_autoregressive, spline_coupling, "
        "elementwise_spline "
        "and permutation (flow.preset: nsf_autoregressive or nsf_coupling, with its "
        "mixing left out, or mixing: permutation)",
        (long long)j, layer->name);
}

/* The layer's constants, drawn by the seed, and the layer ready by them. */
static flo_status draw(flo_arena *arena, flo_layer *layer)
{
    flo_bijection *const b = layer->bijection;
    flo_context *const context = flo_arena_context(arena);
    double *drawn;
    FLO_TRY(flo_arena_take(arena, b->constants.size, sizeof *drawn, &drawn));
    FLO_TRY(b->kind->fit(b, context, &layer->place, NULL, drawn));
    layer->drawn = drawn;
    return b->kind->prepare(b, context, drawn);
}

/* A layer of any range changes places alone: it is asked with a row of flags. */
static flo_status move(flo_arena *arena, const flo_bijection *b, bool *moved)
{
    const int64_t D = b->features;
    const flo_pass pass = {.rows = 1};
    flo_real *flags;
    double logdet = 0;
    FLO_TRY(flo_arena_take(arena, 2 * D, sizeof *flags, &flags));
    for (int64_t j = 0; j < D; j++)
        flags[j] = (flo_real)b->angles[j];
    b->kind->forward(b, NULL, &pass, flags, flags + D, &logdet);
    for (int64_t j = 0; j < D; j++)
        moved[j] = flags[D + j] > 0;
    return FLO_OK;
}

flo_status flo_angles_pass(flo_arena *arena, const flo_node *node, int64_t features,
                           flo_layer *layer, const bool **angles)
{
    const flo_bijection *const b = layer->bijection;
    bool *moved;
    if (b->angles && !b->kind->circular && !b->makes_angles)
        FLO_TRY(refuse(arena, node, layer));
    if (b->makes_angles)
        *angles = b->makes_angles;
    if (!b->angles || !b->kind->circular || !b->constants.size)
        return FLO_OK;
    FLO_TRY(draw(arena, layer));
    if (b->kind->domain != FLO_ANY_RANGE)
        return FLO_OK;
    FLO_TRY(flo_arena_take(arena, features, sizeof *moved, &moved));
    *angles = moved;
    return move(arena, b, moved);
}

double flo_angles_turn(const flo_flow *flow, int64_t column)
{
    for (int64_t k = 0; k < flow->layers; k++) {
        const flo_bijection *const b = flow->layer[k].bijection;
        if (!b->makes_angles)
            return 0;
        if (b->makes_angles[column])
            return b->turn;
    }
    return 0;
}

flo_status flo_angles_check(flo_context *context, const flo_layer *layer,
                            const double *constants)
{
    const size_t bytes = (size_t)layer->bijection->constants.size * sizeof *constants;
    if (!layer->drawn || memcmp(layer->drawn, constants, bytes) == 0)
        return FLO_OK;
    return flo_fail(
        context, FLO_ERROR_FILE,
        "%s: found another order of the columns in the file than run.seed "
        "gives, wanted the same, as some columns are angles; read the model "
        "with the version of flotilla that wrote it",
        layer->name);
}
