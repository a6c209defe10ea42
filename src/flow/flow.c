/* A flow built from its config: the list of layers unrolled, the vectors laid out. */
#include "flow/flow.h"

#include "config/node.h"
#include "flow/angles.h"
#include "flow/ranges.h"

#include <stdio.h>
#include <string.h>

enum { MOST_LAYERS = 100000 };

/* A chain of layers as it grows while its list is walked. */
typedef struct walk {
    flo_arena *arena;
    flo_flow *flow;
    flo_layer **layer; /* [*count], in the flow */
    int64_t *count;
    int64_t features,
        context;        /* columns that the layers act on; those they depend on */
    const char *prefix; /* of the layers' names */
    int64_t capacity, occurrence;
    const bool *angles; /* [features], behind the layers so far; NULL: none */
    bool preprocess;
} walk;

static flo_status grow(walk *w)
{
    if (*w->count < w->capacity)
        return FLO_OK;
    const int64_t capacity = w->capacity ? 2 * w->capacity : 16;
    flo_layer *layer;
    FLO_TRY(flo_arena_take(w->arena, capacity, sizeof *layer, &layer));
    if (*w->count)
        memcpy(layer, *w->layer, (size_t)*w->count * sizeof *layer);
    *w->layer = layer;
    w->capacity = capacity;
    return FLO_OK;
}

static flo_status add_layer(walk *w, flo_node *node)
{
    flo_flow *const flow = w->flow;
    const int64_t index = *w->count;
    if (index == MOST_LAYERS)
        return flo_settings_fail(w->arena, node, "at most %d layers", MOST_LAYERS);
    FLO_TRY(grow(w));
    flo_layer *const layer = *w->layer + index;
    layer->place = (flo_place){.index = index,
                               .occurrence = w->occurrence,
                               .seed = flow->seed,
                               .angles = w->angles};
    FLO_TRY(flo_bijection_create(w->arena, node, w->features, w->context, &layer->place,
                                 &layer->bijection));
    const flo_bijection_kind *const kind = layer->bijection->kind;
    if (kind->fitted && !w->preprocess)
        return flo_settings_fail(w->arena, node,
                                 "a kind that is not fitted to the data; %s may only "
                                 "stand in `preprocess`",
                                 kind->name);
    if (layer->bijection->dithers && w->layer == &flow->context_layer)
        return flo_settings_fail(w->arena, node,
                                 "a kind without noise: networks take whole numbers "
                                 "as they are, and %s is for the features",
                                 kind->name);
    if (kind->correlates && w->layer == &flow->context_layer)
        return flo_settings_fail(w->arena, node,
                                 "a kind that takes each column alone; %s is for the "
                                 "features",
                                 kind->name);
    if (w->preprocess && layer->bijection->parameters.size)
        return flo_settings_fail(w->arena, node,
                                 "a kind without learned parameters, such as "
                                 "{kind: standardize}; %s belongs into flow.layers",
                                 kind->name);
    char *name;
    FLO_TRY(flo_arena_print(w->arena, &name, "%s%02lld_%s", w->prefix, (long long)index,
                            kind->name));
    layer->name = name;
    FLO_TRY(flo_angles_pass(w->arena, node, w->features, layer, &w->angles));
    if (w->angles && w->layer == &flow->context_layer)
        return flo_settings_fail(w->arena, node,
                                 "a kind for context columns: networks take angles as "
                                 "two columns, their cosine and sine; %s is for the "
                                 "features",
                                 kind->name);
    FLO_TRY(flo_layout_append(&flow->parameters, name, &layer->bijection->parameters,
                              &layer->parameters));
    FLO_TRY(flo_layout_append(&flow->constants, name, &layer->bijection->constants,
                              &layer->constants));
    w->occurrence += kind->alternates;
    ++*w->count;
    return FLO_OK;
}

typedef struct repetition {
    int64_t repeat;
    flo_node *layers;
} repetition;

static const flo_setting repetition_rows[] = {{.name = "repeat",
                                               .type = FLO_INTEGER,
                                               .offset = offsetof(repetition, repeat),
                                               .low = 1,
                                               .high = MOST_LAYERS,
                                               .flags = FLO_REQUIRED,
                                               .help = "how many times"},
                                              {.name = "layers",
                                               .type = FLO_NODE,
                                               .offset = offsetof(repetition, layers),
                                               .flags = FLO_REQUIRED,
                                               .help = "the list that is repeated"},
                                              {.name = NULL}};
static const flo_settings repetition_table = {"repeat", "a repeated list",
                                              repetition_rows};

/* NOLINTNEXTLINE(misc-no-recursion): the config's nesting is bounded by the parser. */
static flo_status add_list(walk *w, flo_node *list)
{
    if (list->kind != FLO_NODE_LIST)
        return flo_settings_fail(w->arena, list,
                                 "a list of layers such as [{kind: lu_linear}]");
    for (flo_node *node = list->first; node; node = node->next) {
        if (node->kind != FLO_NODE_MAP || !flo_node_find(node, "repeat")) {
            FLO_TRY(add_layer(w, node));
            continue;
        }
        repetition r;
        FLO_TRY(flo_settings_read(w->arena, NULL, node, &repetition_table, &r));
        for (int64_t i = 0; i < r.repeat; i++)
            FLO_TRY(add_list(w, r.layers));
    }
    return FLO_OK;
}

/* The data's own layers: `preprocess`, then flow.layers. */
static flo_status add_layers(flo_flow *flow, flo_node *root, flo_node *layers)
{
    walk w = {.arena = flow->arena,
              .flow = flow,
              .layer = &flow->layer,
              .count = &flow->layers,
              .features = flow->features,
              .context = flow->categories.encoded,
              .prefix = "",
              .preprocess = true};
    flo_node *const preprocess = flo_node_find(root, "preprocess");
    if (preprocess && preprocess->kind == FLO_NODE_LIST && preprocess->count) {
        if (flow->direction == FLO_DIRECTION_SAMPLING)
            return flo_settings_fail(
                flow->arena, preprocess,
                "no preprocess steps with flow.direction: sampling; "
                "they belong to the data of a density flow");
        FLO_TRY(add_list(&w, preprocess));
    } else if (preprocess && (preprocess->kind != FLO_NODE_LIST)) {
        return flo_settings_fail(flow->arena, preprocess,
                                 "a list such as [{kind: standardize}], or []");
    }
    flow->preprocess = flow->layers;
    w.preprocess = false;
    FLO_TRY(add_list(&w, layers));
    flow->angles = w.angles;
    return FLO_OK;
}

/* The default: every column that is a number is standardized. */
static flo_status add_standardize(flo_flow *flow, flo_node *root, const char *key)
{
    const flo_categories *const c = &flow->categories;
    char *columns = "", *text = "[{kind: standardize}]";
    for (int64_t j = 0; j < c->context && c->count; j++)
        if (!flo_categories_at(c, j))
            FLO_TRY(flo_arena_print(flow->arena, &columns, "%s%s%lld", columns,
                                    *columns ? ", " : "", (long long)j));
    if (c->count == c->context)
        text = "[]";
    else if (c->count)
        FLO_TRY(flo_arena_print(flow->arena, &text,
                                "[{kind: standardize, columns: [%s]}]", columns));
    return flo_node_set(flow->arena, root, key, text, FLO_FILE_DEFAULT);
}

/* Categories go to the networks as they are. */
static flo_status spare_categories(const flo_flow *flow, const flo_node *steps)
{
    for (int64_t k = 0; k < flow->context_layers; k++)
        for (int64_t i = 0; i < flow->categories.count; i++) {
            const flo_bijection *const b = flow->context_layer[k].bijection;
            const int64_t column = flow->categories.column[i].column;
            if (!b->passes || !b->passes[column])
                return flo_settings_fail(
                    flow->arena, steps,
                    "steps that leave categories alone: %s acts on context column "
                    "%lld, which is one; give it `columns` without that",
                    flow->context_layer[k].name, (long long)column);
        }
    return FLO_OK;
}

/* The layers of the context: networks take columns of any scale. */
static flo_status add_context_layers(flo_flow *flow, flo_node *root)
{
    walk w = {.arena = flow->arena,
              .flow = flow,
              .layer = &flow->context_layer,
              .count = &flow->context_layers,
              .features = flow->context,
              .prefix = "context_",
              .preprocess = true};
    static const char key[] = "preprocess_context";
    if (flow->context && !flo_node_find(root, key))
        FLO_TRY(add_standardize(flow, root, key));
    flo_node *const steps = flo_node_find(root, key);
    if (steps && steps->kind != FLO_NODE_LIST)
        return flo_settings_fail(flow->arena, steps,
                                 "a list such as [{kind: standardize}], or []");
    if (steps && steps->count && !flow->context)
        return flo_settings_fail(flow->arena, steps,
                                 "no such steps where there are no context columns; "
                                 "data.context names those");
    if (!steps)
        return FLO_OK;
    FLO_TRY(add_list(&w, steps));
    return spare_categories(flow, steps);
}

static flo_status add_base(flo_flow *flow, const flo_flow_settings *settings)
{
    FLO_TRY(flo_density_create(flow->arena, settings->base, flow->features,
                               flow->categories.encoded, &flow->base));
    if (flow->angles && !flow->base->kind->circular)
        return flo_settings_fail(flow->arena, settings->base,
                                 "{kind: normal}: columns that are angles are uniform "
                                 "on their circle under it, the others normal");
    if (flow->angles) {
        flow->base->angles = flow->angles;
        flow->base->uniforms = flow->features;
    }
    if (flow->base->log_evidence != 0)
        return flo_settings_fail(flow->arena, settings->base,
                                 "a normalised base: log_evidence 0");
    FLO_TRY(flo_layout_append(&flow->parameters, "base", &flow->base->parameters,
                              &flow->base_parameters));
    return FLO_OK;
}

static int64_t count_fixed(const flo_flow *flow)
{
    int64_t fixed = 0;
    while (fixed < flow->layers && !flow->layer[fixed].bijection->parameters.size)
        fixed++;
    return fixed;
}

flo_status flo_flow_create(flo_arena *arena, flo_node *root, int64_t features,
                           int64_t context, uint64_t seed, flo_flow **result)
{
    flo_flow *flow;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *flow, &flow));
    flo_flow_settings settings;
    FLO_TRY(flo_settings_read(arena, root, flo_node_find(root, "flow"),
                              &flo_flow_settings_table, &settings));
    *flow = (flo_flow){.arena = arena,
                       .features = features,
                       .context = context,
                       .direction = (flo_direction)settings.direction,
                       .seed = seed};
    flo_layout_start(&flow->parameters, arena);
    flo_layout_start(&flow->constants, arena);
    FLO_TRY(flo_categories_read(arena, root, context, &flow->categories));
    FLO_TRY(add_context_layers(flow, root));
    FLO_TRY(add_layers(flow, root, settings.layers));
    FLO_TRY(add_base(flow, &settings));
    if (!flow->parameters.size)
        return flo_settings_fail(arena, settings.layers,
                                 "at least one layer with parameters to learn");
    flow->fixed = count_fixed(flow);
    FLO_TRY(flo_ranges_check(flow, root));
    FLO_TRY(
        flo_arena_take(arena, flow->constants.size, sizeof(double), &flow->constant));
    *result = flow;
    return FLO_OK;
}

static bool waits(int64_t layers, const flo_layer *layer, int64_t ready)
{
    return ready < layers && layer[ready].bijection->fitted;
}

bool flo_flow_waits_for_correlations(const flo_flow *flow)
{
    return waits(flow->layers, flow->layer, flow->ready) &&
           flow->layer[flow->ready].bijection->kind->correlates &&
           !flow->layer[flow->ready].given;
}

bool flo_flow_waits(const flo_flow *flow)
{
    return waits(flow->layers, flow->layer, flow->ready) ||
           waits(flow->context_layers, flow->context_layer, flow->context_ready);
}

static flo_status prepare(flo_flow *flow, const flo_layer *layer)
{
    FLO_TRY(flo_angles_check(flo_arena_context(flow->arena), layer,
                             flow->constant + layer->constants));
    return layer->bijection->kind->prepare(layer->bijection,
                                           flo_arena_context(flow->arena),
                                           flow->constant + layer->constants);
}

flo_status flo_flow_prepare(flo_flow *flow)
{
    for (int64_t k = 0; k < flow->context_layers; k++)
        FLO_TRY(prepare(flow, &flow->context_layer[k]));
    for (int64_t k = 0; k < flow->layers; k++)
        FLO_TRY(prepare(flow, &flow->layer[k]));
    flow->context_ready = flow->context_layers;
    flow->ready = flow->layers;
    return FLO_OK;
}

/* The next layer of a chain, and those behind it that do not wait. */
static flo_status fit(flo_flow *flow, int64_t layers, const flo_layer *layer,
                      const flo_moments *moments, int64_t *ready)
{
    flo_context *const context = flo_arena_context(flow->arena);
    while (*ready < layers && (moments || !waits(layers, layer, *ready))) {
        const flo_layer *const l = &layer[*ready];
        const bool waited = l->bijection->fitted;
        if (!l->given)
            FLO_TRY(l->bijection->kind->fit(l->bijection, context, &l->place, moments,
                                            flow->constant + l->constants));
        FLO_TRY(prepare(flow, l));
        moments = waited ? NULL : moments;
        ++*ready;
    }
    return FLO_OK;
}

/* Says that the column which a message names is one of the context. */
static flo_status of_the_context(flo_flow *flow, flo_status status)
{
    flo_context *const context = flo_arena_context(flow->arena);
    char reason[FLO_MESSAGE_BYTES / 2];
    if (status != FLO_ERROR_DATA)
        return status;
    snprintf(reason, sizeof reason, "%s", flo_context_message(context));
    return flo_fail(context, status, "context columns: %s", reason);
}

flo_status flo_flow_fit(flo_flow *flow, const flo_moments *moments)
{
    const int64_t D = flow->features;
    flo_moments given;
    if (moments)
        given = (flo_moments){.mean = moments->mean + D,
                              .deviation = moments->deviation + D,
                              .low = moments->low + D,
                              .high = moments->high + D};
    FLO_TRY(of_the_context(flow, fit(flow, flow->context_layers, flow->context_layer,
                                     moments ? &given : NULL, &flow->context_ready)));
    return fit(flow, flow->layers, flow->layer, moments, &flow->ready);
}

void flo_flow_init(const flo_flow *flow, flo_real *theta)
{
    flo_random_key key = {.seed = flow->seed, .purpose = FLO_RANDOM_PARAMETERS};
    for (int64_t k = 0; k < flow->layers; k++) {
        const flo_layer *const layer = &flow->layer[k];
        key.a = (uint64_t)k;
        layer->bijection->kind->init(layer->bijection, key, theta + layer->parameters);
    }
    key.a = (uint64_t)flow->layers;
    flow->base->kind->init(flow->base, key, theta + flow->base_parameters);
}

flo_status flo_flow_describe(const flo_flow *flow, char **text)
{
    char *table = "", values[FLO_MESSAGE_BYTES / 4];
    for (int64_t i = 0; i < flow->categories.count; i++) {
        flo_category_list(&flow->categories.column[i], values, sizeof values);
        FLO_TRY(flo_arena_print(flow->arena, &table,
                                "%s  context column %lld: one-hot, %s\n", table,
                                (long long)flow->categories.column[i].column, values));
    }
    for (int64_t k = 0; k < flow->context_layers; k++)
        FLO_TRY(flo_arena_print(flow->arena, &table, "%s  %-32s\n", table,
                                flow->context_layer[k].name));
    for (int64_t k = 0; k < flow->layers; k++) {
        const flo_layer *const layer = &flow->layer[k];
        FLO_TRY(flo_arena_print(flow->arena, &table, "%s  %-32s %12lld parameters\n",
                                table, layer->name,
                                (long long)layer->bijection->parameters.size));
    }
    return flo_arena_print(
        flow->arena, text, "%s  %-32s %12lld parameters\n  %-32s %12lld parameters",
        table, flow->base->kind->name, (long long)flow->base->parameters.size, "all",
        (long long)flow->parameters.size);
}
