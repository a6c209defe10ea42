/* The top level of a config: a map whose keys are sections. */
#include "config/fail.h"
#include "config/settings.h"
#include "config/text.h"

#include <string.h>

typedef struct names {
    const char *const *known; /* [count] */
    int64_t count;
} names;

static void write_sections(flo_text *text, const void *what)
{
    const names *const all = what;
    flo_text_string(text, "the sections ");
    for (int64_t i = 0; i < all->count; i++) {
        flo_text_string(text, i ? ", " : "");
        flo_text_string(text, all->known[i]);
    }
}

static bool is_known(const names *all, const char *key)
{
    for (int64_t i = 0; i < all->count; i++)
        if (strcmp(all->known[i], key) == 0)
            return true;
    return false;
}

static flo_status fail_section(flo_arena *arena, const flo_node *child,
                               const names *all)
{
    flo_nearest nearest = {.wanted = child->key};
    for (int64_t i = 0; i < all->count; i++)
        flo_nearest_offer(&nearest, all->known[i], strlen(all->known[i]));
    char *sections;
    FLO_TRY(flo_text_make(arena, write_sections, all, &sections));
    return flo_config_fail_unknown(arena, child, sections, &nearest);
}

flo_status flo_settings_known(flo_arena *arena, const flo_node *map,
                              const char *const *known, int64_t count)
{
    const names all = {.known = known, .count = count};
    if (map->kind != FLO_NODE_MAP) {
        char *sections;
        FLO_TRY(flo_text_make(arena, write_sections, &all, &sections));
        return flo_settings_fail(arena, map, "a map with %s", sections);
    }
    for (const flo_node *child = map->first; child; child = child->next)
        if (!is_known(&all, child->key))
            return fail_section(arena, child, &all);
    return FLO_OK;
}
