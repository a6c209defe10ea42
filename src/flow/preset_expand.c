/* A preset written out: its settings read, base and layers put into the config. */
#include "config/node.h"
#include "config/text.h"
#include "flow/presets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Keys of `flow` that stay beside a preset. */
static const char direction_key[] = "direction", base_key[] = "base";

typedef struct expansion {
    const flo_preset *preset;
    const flo_node *map; /* the preset's settings as they are written */
    const flo_preset_settings *settings;
    const char *template;
} expansion;

/* What a choice of mixing puts before a coupling, before an autoregressive layer, which
   also wants another order of the columns, and after the last step. */
static const struct {
    const char *mixing, *ordered, *last;
} mixings[FLO_MIXINGS] = {
    [FLO_MIXING_LU] = {"{kind: lu_linear}, ",
                       "{kind: permutation, order: reverse}, {kind: lu_linear}, ",
                       ", {kind: lu_linear}"},
    [FLO_MIXING_HOUSEHOLDER] = {"{kind: householder}, ",
                                "{kind: permutation, order: reverse}, "
                                "{kind: householder}, ",
                                ", {kind: householder}"},
    [FLO_MIXING_PERMUTATION] = {"{kind: permutation, order: random}, ",
                                "{kind: permutation, order: random}, ", ""},
    [FLO_MIXING_REVERSE] = {"", "{kind: permutation, order: reverse}, ", ""},
    [FLO_MIXING_NONE] = {"", "", ""},
};

static void write_setting(flo_text *text, const flo_node *map, const char *name)
{
    flo_text_string(text, name);
    flo_text_string(text, ": ");
    flo_text_string(text, flo_node_find(map, name)->text);
}

/* "hidden: [64, 64], ..." or "width: 128, blocks: 2, ...". */
static void write_network(flo_text *text, const expansion *e)
{
    const flo_integers *const hidden = &e->settings->network.hidden;
    for (int64_t i = 0; i < hidden->count; i++) {
        char width[32];
        snprintf(width, sizeof width, "%s%" PRId64, i ? ", " : "hidden: [",
                 hidden->values[i]);
        flo_text_string(text, width);
    }
    if (hidden->count) {
        flo_text_string(text, "]");
    } else {
        write_setting(text, e->map, "width");
        flo_text_string(text, ", ");
        write_setting(text, e->map, "blocks");
    }
    flo_text_string(text, ", ");
    write_setting(text, e->map, "activation");
    flo_text_string(text, ", ");
    write_setting(text, e->map, "dropout");
}

static void write_pairs(flo_text *text, const expansion *e)
{
    char pairs[32];
    snprintf(pairs, sizeof pairs, "%" PRId64, (e->settings->steps + 1) / 2);
    flo_text_string(text, pairs);
}

static void write_value(flo_text *text, const expansion *e, const char *name)
{
    const int mixing = e->settings->mixing;
    if (strcmp(name, "network") == 0)
        write_network(text, e);
    else if (strcmp(name, "mixing") == 0)
        flo_text_string(text, mixings[mixing].mixing);
    else if (strcmp(name, "ordered_mixing") == 0)
        flo_text_string(text, mixings[mixing].ordered);
    else if (strcmp(name, "last_mixing") == 0)
        flo_text_string(text, mixings[mixing].last);
    else if (strcmp(name, "pairs") == 0)
        write_pairs(text, e);
    else
        flo_text_string(text, flo_node_find(e->map, name)->text);
}

static void write_template(flo_text *text, const void *what)
{
    const expansion *const e = what;
    for (const char *at = e->template; *at;) {
        const size_t plain = strcspn(at, "<");
        flo_text_bytes(text, at, plain);
        at += plain;
        if (!*at)
            return;
        char name[32];
        const size_t length = strcspn(at, ">");
        snprintf(name, sizeof name, "%.*s", (int)length - 1, at + 1);
        write_value(text, e, name);
        at += length + 1;
    }
}

/* Fills in one of base and layers. */
static flo_status put(flo_arena *arena, flo_node *flow, const char *key,
                      const char *template, expansion *e, const char *file)
{
    char *text;
    e->template = template;
    FLO_TRY(flo_text_make(arena, write_template, e, &text));
    return flo_node_set(arena, flow, key, text, file);
}

static flo_status find(flo_arena *arena, const flo_node *name,
                       const flo_preset **preset)
{
    char *known = "";
    for (*preset = flo_presets; (*preset)->settings; ++*preset) {
        const char *const other = (*preset)->settings->name;
        if (name->kind == FLO_NODE_SCALAR && strcmp(other, name->text) == 0)
            return FLO_OK;
        FLO_TRY(
            flo_arena_print(arena, &known, "%s%s%s", known, *known ? ", " : "", other));
    }
    return flo_settings_fail(arena, name, "a preset: %s", known);
}

/* Moves the children of `flow` that are neither the preset's name nor stay beside it
   into a map of their own, which has the path of `flow`. */
static flo_status split(flo_arena *arena, flo_node *flow, flo_node **settings)
{
    FLO_TRY(flo_node_create(arena, FLO_NODE_MAP, flow->file, flow->line, settings));
    (*settings)->parent = flow->parent;
    (*settings)->key = flow->key;
    flo_node *child = flow->first;
    flow->first = NULL;
    flow->count = 0;
    while (child) {
        flo_node *const next = child->next;
        if (strcmp(child->key, direction_key) == 0 || strcmp(child->key, base_key) == 0)
            flo_node_append(flow, child);
        else if (strcmp(child->key, "preset") != 0)
            flo_node_append(*settings, child);
        child = next;
    }
    return FLO_OK;
}

/* What a preset does not go with. */
static flo_status refuse(flo_arena *arena, const flo_node *flow,
                         const flo_preset *preset)
{
    const char *const name = preset->settings->name;
    const flo_node *const layers = flo_node_find(flow, "layers");
    const flo_node *const kind = flo_node_find(flow, "kind");
    const flo_node *const direction = flo_node_find(flow, direction_key);
    if (layers)
        return flo_settings_fail(arena, layers,
                                 "either flow.layers or flow.preset: %s, which stands "
                                 "for layers",
                                 name);
    if (kind)
        return flo_settings_fail(arena, kind,
                                 "no kind here: flow.preset: %s names the flow", name);
    if (direction && preset->direction &&
        (direction->kind != FLO_NODE_SCALAR ||
         strcmp(direction->text, preset->direction) != 0))
        return flo_settings_fail(arena, direction, "%s, the direction of preset %s",
                                 preset->direction, name);
    return FLO_OK;
}

/* `width` has a default, so it and `hidden` exclude each other only where written. */
static flo_status choose_network(flo_arena *arena, const flo_node *map,
                                 flo_preset_settings *settings)
{
    flo_network_settings *const network = &settings->network;
    const flo_node *const width = flo_node_find(map, "width");
    const bool written = strcmp(width->file, FLO_FILE_DEFAULT) != 0;
    if (!network->hidden.count && !network->width)
        return flo_settings_fail(arena, width,
                                 "a width above 0, or hidden: [256, 256]");
    if (network->hidden.count && network->width && written)
        return flo_settings_fail(arena, width,
                                 "either hidden (plain MLP) or width with blocks "
                                 "(residual MLP)");
    return FLO_OK;
}

/* Whether the flow maps data to noise, as it does unless it says otherwise. */
static bool is_of_data(const flo_node *flow)
{
    const flo_node *const direction = flo_node_find(flow, direction_key);
    return !direction || direction->kind != FLO_NODE_SCALAR ||
           strcmp(direction->text, "sampling") != 0;
}

/* Whether columns are angles, and what mixes them is left to the preset. */
static bool mixes_angles(const flo_node *root, const flo_node *map)
{
    const flo_node *const data = flo_node_find(root, "data");
    const flo_node *const period =
        data && data->kind == FLO_NODE_MAP ? flo_node_find(data, "period") : NULL;
    const flo_node *const mixing = flo_node_find(map, "mixing");
    return period && !flo_node_is_null(period) && mixing &&
           strcmp(mixing->file, FLO_FILE_DEFAULT) == 0;
}

/* "config.yaml:7: preset maf": the file of what a preset writes, in messages. */
static flo_status name_file(flo_arena *arena, const flo_node *name, char **file)
{
    char line[24] = "";
    if (name->line > 0)
        snprintf(line, sizeof line, ":%d", name->line);
    return flo_arena_print(arena, file, "%s%s: preset %s", name->file, line,
                           name->text);
}

static flo_status expand(flo_arena *arena, flo_node *root, flo_node *flow,
                         const flo_preset *preset, const char *file)
{
    flo_node *map;
    flo_preset_settings settings = {.steps = 0};
    FLO_TRY(split(arena, flow, &map));
    FLO_TRY(flo_settings_read(arena, NULL, map, preset->settings, &settings));
    FLO_TRY(choose_network(arena, map, &settings));
    const bool angles = mixes_angles(root, map);
    if (angles)
        settings.mixing = FLO_MIXING_PERMUTATION;
    expansion e = {.preset = preset, .map = map, .settings = &settings};
    if (preset->direction)
        FLO_TRY(flo_node_set(arena, flow, direction_key, preset->direction, file));
    if (preset->base && !flo_node_find(flow, base_key))
        FLO_TRY(put(arena, flow, base_key, preset->base, &e, file));
    FLO_TRY(put(arena, flow, "layers",
                angles && preset->pairs ? preset->pairs : preset->layers, &e, file));
    if (flo_node_find(root, "preprocess") || !is_of_data(flow))
        return FLO_OK;
    return flo_node_set(arena, root, "preprocess", "[{kind: standardize}]", file);
}

flo_status flo_presets_expand(flo_arena *arena, flo_node *root)
{
    flo_node *const flow = flo_node_find(root, "flow");
    const flo_node *const name = flow ? flo_node_find(flow, "preset") : NULL;
    const flo_preset *preset;
    char *file;
    if (!name)
        return FLO_OK;
    FLO_TRY(find(arena, name, &preset));
    FLO_TRY(refuse(arena, flow, preset));
    FLO_TRY(name_file(arena, name, &file));
    return expand(arena, root, flow, preset, file);
}
