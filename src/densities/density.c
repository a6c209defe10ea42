/* The registry of densities, and a density made from its config node. */
#include "densities/density.h"

#include <string.h>

extern const flo_density_kind flo_normal;
extern const flo_density_kind flo_correlated_normal;

const flo_density_kind *const flo_density_kinds[] = {
    &flo_normal,
    &flo_correlated_normal,
    NULL,
};

flo_status flo_density_create(flo_arena *arena, flo_node *node, int64_t features,
                              int64_t context, flo_density **density)
{
    const flo_node *const name =
        node->kind == FLO_NODE_MAP ? flo_node_find(node, "kind") : NULL;
    const flo_density_kind *const *kind = flo_density_kinds;
    while (*kind && (!name || name->kind != FLO_NODE_SCALAR ||
                     strcmp((*kind)->name, name->text) != 0))
        kind++;
    if (!*kind)
        return flo_settings_fail(
            arena, name ? name : node,
            "a kind of density: {kind: normal} or {kind: correlated_normal, ...}");
    flo_density *self;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *self, &self));
    *self = (flo_density){.kind = *kind, .features = features, .context = context};
    flo_layout_start(&self->parameters, arena);
    FLO_TRY((*kind)->configure(self, arena, node));
    *density = self;
    return FLO_OK;
}

void flo_density_init_nothing(const flo_density *self, flo_random_key key,
                              flo_real *theta)
{
    (void)self, (void)key, (void)theta;
}
