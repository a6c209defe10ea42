/* Columns that data.period declares as angles, in the config of a run. */
#include "train/angles.h"

#include "config/node.h"
#include "config/scalar.h"
#include "data/periods.h"

#include <string.h>

static const char key[] = "preprocess";

static bool is_kind(const flo_node *node, const char *wanted)
{
    const flo_node *const kind =
        node->kind == FLO_NODE_MAP ? flo_node_find(node, "kind") : NULL;
    return kind && kind->kind == FLO_NODE_SCALAR && strcmp(kind->text, wanted) == 0;
}

static bool same_period(const flo_node *a, const flo_node *b)
{
    double x, y;
    return a && b && flo_scalar_number(a->text, &x) && flo_scalar_number(b->text, &y) &&
           x == y;
}

/* One step for the features from j on that have the period of feature j. */
static flo_status add_step(flo_arena *arena, const flo_node **periods, int64_t features,
                           int64_t j, char **steps)
{
    char *columns = "";
    const flo_node *const period = periods[j];
    for (int64_t k = j; k < features; k++) {
        if (!same_period(periods[k], period))
            continue;
        FLO_TRY(flo_arena_print(arena, &columns, "%s%s%lld", columns,
                                *columns ? ", " : "", (long long)k));
        periods[k] = NULL;
    }
    return flo_arena_print(arena, steps,
                           "%s%s{kind: angle, period: %s, low: auto, columns: [%s]}",
                           *steps, **steps ? ", " : "", period->text, columns);
}

/* Whether the list begins with these steps, as the config.yaml of a run does. */
static flo_status begins_with(flo_arena *arena, const flo_node *list,
                              const flo_node *steps, bool *same)
{
    const flo_node *found = list->first;
    *same = true;
    for (const flo_node *step = steps->first; *same && step; step = step->next) {
        char *difference = NULL;
        *same = found && is_kind(found, "angle");
        if (*same)
            FLO_TRY(flo_settings_difference(arena, found, step, NULL, 0, &difference));
        *same = *same && !difference;
        found = *same ? found->next : found;
    }
    return FLO_OK;
}

/* Whether a step of the list stands for angles already. */
static bool has_angles(const flo_node *list)
{
    for (const flo_node *step = list->first; step; step = step->next)
        if (is_kind(step, "angle"))
            return true;
    return false;
}

/* The steps in front of those that are there. */
static flo_status put_in_front(flo_arena *arena, flo_node *root, const char *steps,
                               const flo_node *setting)
{
    flo_node *const before = flo_node_find(root, key);
    if (before && before->kind != FLO_NODE_LIST)
        return FLO_OK; /* the flow says what is wrong with it */
    flo_node *next = before ? before->first : NULL;
    FLO_TRY(flo_node_set(arena, root, key, steps, setting->file));
    flo_node *const list = flo_node_find(root, key);
    if (!before)
        return FLO_OK;
    bool same;
    FLO_TRY(begins_with(arena, before, list, &same));
    if (!same && has_angles(before))
        return flo_settings_fail(arena, setting,
                                 "either data.period or other {kind: angle} steps in "
                                 "preprocess");
    if (same) {
        list->first = NULL;
        list->count = 0;
    }
    while (next) {
        flo_node *const step = next;
        next = step->next;
        flo_node_append(list, step);
    }
    return FLO_OK;
}

/* The first node `tails: circular`, or NULL. */
/* NOLINTNEXTLINE(misc-no-recursion): the config's nesting is bounded by the parser. */
static const flo_node *find_circular(const flo_node *node)
{
    if (node->kind == FLO_NODE_SCALAR)
        return node->key && strcmp(node->key, "tails") == 0 &&
                       strcmp(node->text, "circular") == 0
                   ? node
                   : NULL;
    const flo_node *found = NULL;
    for (const flo_node *child = node->first; child && !found; child = child->next)
        found = find_circular(child);
    return found;
}

/* The step by which columns are no angles any more, or NULL. */
static const flo_node *find_fitted(const flo_node *list)
{
    const flo_node *step = list && list->kind == FLO_NODE_LIST ? list->first : NULL;
    while (step && !is_kind(step, "standardize") && !is_kind(step, "whiten"))
        step = step->next;
    return step;
}

/* Without a declaration circular splines take what comes as angles: a step that gives
   it another scale, or a base on the line, opens the circle without a word. */
static flo_status refuse_undeclared(flo_arena *arena, const flo_node *root)
{
    const flo_node *const flow = flo_node_find(root, "flow");
    const flo_node *const tails = flow ? find_circular(flow) : NULL;
    const flo_node *const list = flo_node_find(root, key);
    if (!tails || (list && list->kind == FLO_NODE_LIST && has_angles(list)))
        return FLO_OK;
    const flo_node *const fitted = find_fitted(list);
    const flo_node *const base = flo_node_find(flow, "base");
    if (!fitted && base && is_kind(base, "uniform"))
        return FLO_OK;
    return flo_settings_fail(
        arena, tails,
        "columns that are angles declared, data: {period: {COLUMN: "
        "6.283185307179586}}, which sets tails, preprocessing and base; %s %s%s",
        fitted ? "behind" : "over",
        fitted ? flo_node_find(fitted, "kind")->text : "a base that is not uniform",
        " circular tails close no circle");
}

flo_status flo_angles_declare(flo_arena *arena, flo_node *root, const flo_rows *rows,
                              const flo_node *setting)
{
    const flo_node **periods;
    char *steps = "";
    const int64_t features = flo_rows_features(rows);
    FLO_TRY(flo_periods_read(arena, rows, setting, &periods));
    if (!periods)
        return refuse_undeclared(arena, root);
    for (int64_t j = 0; j < features; j++)
        if (periods[j])
            FLO_TRY(add_step(arena, periods, features, j, &steps));
    FLO_TRY(flo_arena_print(arena, &steps, "[%s]", steps));
    return put_in_front(arena, root, steps, setting);
}
