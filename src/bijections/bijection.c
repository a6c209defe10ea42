/* A layer made from its config node, and the defaults of the table's slots. */
#include "bijections/bijection.h"

#include "bijections/registry.h"

#include <stdio.h>
#include <string.h>

/* "standardize, permutation, ...": what a config may name. */
static flo_status unknown_kind(flo_arena *arena, const flo_node *node)
{
    char known[1024] = "";
    for (const flo_bijection_kind *const *kind = flo_bijection_kinds; *kind; kind++) {
        const size_t used = strlen(known);
        const size_t room = sizeof known - used;
        snprintf(known + used, room, "%s%s", used ? ", " : "", (*kind)->name);
    }
    return flo_settings_fail(arena, node, "a kind of bijection: %s", known);
}

static const flo_bijection_kind *find(const char *name)
{
    for (const flo_bijection_kind *const *kind = flo_bijection_kinds; *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}

flo_status flo_bijection_create(flo_arena *arena, flo_node *node, int64_t features,
                                int64_t context, const flo_place *place,
                                flo_bijection **bijection)
{
    if (node->kind != FLO_NODE_MAP)
        return flo_settings_fail(arena, node, "a layer such as {kind: lu_linear}");
    const flo_node *const name = flo_node_find(node, "kind");
    if (!name || name->kind != FLO_NODE_SCALAR)
        return unknown_kind(arena, name ? name : node);
    const flo_bijection_kind *const kind = find(name->text);
    if (!kind)
        return unknown_kind(arena, name);
    flo_bijection *self;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *self, &self));
    *self = (flo_bijection){.kind = kind,
                            .features = features,
                            .context = context,
                            .fitted = kind->fitted,
                            .angles = place->angles};
    flo_layout_start(&self->parameters, arena);
    flo_layout_start(&self->constants, arena);
    FLO_TRY(kind->configure(self, arena, node, place));
    *bijection = self;
    return FLO_OK;
}

flo_range flo_bijection_takes(const flo_bijection *self, int64_t j)
{
    return self->passes && self->passes[j] ? FLO_ANY_RANGE : self->kind->domain;
}

flo_range flo_bijection_gives(const flo_bijection *self, int64_t j, flo_range given)
{
    return flo_bijection_takes(self, j) == FLO_ANY_RANGE ? given : self->kind->image;
}

const char *flo_range_words(flo_range range)
{
    static const char *const words[] = {
        [FLO_WHOLE_LINE] = "any number",
        [FLO_POSITIVE] = "positive numbers",
        [FLO_UNIT_INTERVAL] = "numbers between 0 and 1",
        [FLO_INTERVAL] = "numbers inside an interval",
        [FLO_WHOLE_NUMBERS] = "whole numbers",
        [FLO_ANY_RANGE] = "numbers of any range",
        [FLO_MIXED_RANGES] = "columns of different ranges in a new order",
    };
    return words[range];
}

flo_status flo_bijection_fit_nothing(const flo_bijection *self, flo_context *context,
                                     const flo_place *place, const flo_moments *moments,
                                     double *constants)
{
    (void)self, (void)context, (void)place, (void)moments, (void)constants;
    return FLO_OK;
}

flo_status flo_bijection_prepare_nothing(flo_bijection *self, flo_context *context,
                                         const double *constants)
{
    (void)self, (void)context, (void)constants;
    return FLO_OK;
}

void flo_bijection_init_zero(const flo_bijection *self, flo_random_key key,
                             flo_real *theta)
{
    (void)key;
    memset(theta, 0, (size_t)self->parameters.size * sizeof *theta);
}

int64_t flo_bijection_start_nothing(const flo_bijection *self,
                                    const flo_moments *moments, flo_real *theta)
{
    (void)self, (void)moments, (void)theta;
    return 0;
}
