/* The registry of densities, and a density made from its config node. */
#include "densities/density.h"

#include <stdio.h>
#include <string.h>

extern const flo_density_kind flo_normal;
extern const flo_density_kind flo_diagonal_normal;
extern const flo_density_kind flo_student_t;
extern const flo_density_kind flo_mixture;
extern const flo_density_kind flo_autoregressive_mixture;
extern const flo_density_kind flo_uniform;
extern const flo_density_kind flo_correlated_normal;

const flo_density_kind *const flo_density_kinds[] = {
    &flo_normal,
    &flo_diagonal_normal,
    &flo_student_t,
    &flo_mixture,
    &flo_autoregressive_mixture,
    &flo_uniform,
    &flo_correlated_normal,
    NULL,
};

/* Says what a config may name. */
static flo_status unknown_kind(flo_arena *arena, const flo_node *node)
{
    char known[1024] = "";
    for (const flo_density_kind *const *kind = flo_density_kinds; *kind; kind++) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                 (*kind)->name);
    }
    return flo_settings_fail(arena, node, "a kind of density, {kind: ..}: %s", known);
}

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
        return unknown_kind(arena, name ? name : node);
    flo_density *self;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *self, &self));
    *self = (flo_density){.kind = *kind, .features = features, .context = context};
    flo_layout_start(&self->parameters, arena);
    FLO_TRY((*kind)->configure(self, arena, node));
    *density = self;
    return FLO_OK;
}

flo_status flo_density_needs_features(const flo_density *self, flo_arena *arena,
                                      const flo_node *node)
{
    if (self->features)
        return FLO_OK;
    return flo_settings_fail(arena, node,
                             "a density that knows its dimension, such as "
                             "{kind: correlated_normal, features: 4}");
}

void flo_density_init_nothing(const flo_density *self, flo_random_key key,
                              flo_real *theta)
{
    (void)self, (void)key, (void)theta;
}
