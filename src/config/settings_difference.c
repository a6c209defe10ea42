/* The first difference between two trees of settings. */
#include "config/scalar.h"
#include "config/settings.h"

#include <string.h>

typedef struct comparison {
    flo_arena *arena;
    const char *const *ignored; /* [count] */
    int64_t count;
    char *path; /* of the first difference; NULL: none so far */
} comparison;

static bool is_ignored(const comparison *c, const char *path)
{
    for (int64_t i = 0; i < c->count; i++) {
        const size_t length = strlen(c->ignored[i]);
        if (strncmp(path, c->ignored[i], length) == 0 && strchr(".[", path[length]))
            return true; /* strchr finds the end of `path` too */
    }
    return false;
}

static flo_status report(comparison *c, const flo_node *node)
{
    char *path;
    FLO_TRY(flo_node_path(c->arena, node, &path));
    if (!is_ignored(c, path))
        c->path = path;
    return FLO_OK;
}

static bool same_number(const char *a, const char *b)
{
    int64_t i, j;
    double x, y;
    if (flo_scalar_integer(a, &i) && flo_scalar_integer(b, &j))
        return i == j;
    if (flo_scalar_bytes(a, &i) && flo_scalar_bytes(b, &j))
        return i == j;
    return flo_scalar_number(a, &x) && flo_scalar_number(b, &y) && x == y;
}

static bool same_scalar(const flo_node *a, const flo_node *b)
{
    if (a->quoted != b->quoted)
        return false;
    return strcmp(a->text, b->text) == 0 ||
           (!a->quoted && same_number(a->text, b->text));
}

/* x serves for [x]. */
static const flo_node *unwrap(const flo_node *node, const flo_node *other)
{
    const bool serves = node->kind == FLO_NODE_LIST && node->count == 1 &&
                        node->first->kind == FLO_NODE_SCALAR &&
                        other->kind == FLO_NODE_SCALAR && !flo_node_is_null(other);
    return serves ? node->first : node;
}

static flo_status compare(comparison *c, const flo_node *a, const flo_node *b);

/* Every child of a with its partner in b; children of b alone come last: null is as
   good as a setting that was not there yet. */
static flo_status compare_maps(comparison *c, const flo_node *a, const flo_node *b)
{
    for (const flo_node *child = a->first; child && !c->path; child = child->next) {
        const flo_node *const partner = flo_node_find(b, child->key);
        FLO_TRY(partner ? compare(c, child, partner) : report(c, child));
    }
    for (const flo_node *child = b->first; child && !c->path; child = child->next)
        if (!flo_node_find(a, child->key) && !flo_node_is_null(child))
            FLO_TRY(report(c, child));
    return FLO_OK;
}

static flo_status compare_lists(comparison *c, const flo_node *a, const flo_node *b)
{
    const flo_node *x = a->first, *y = b->first;
    for (; x && y && !c->path; x = x->next, y = y->next)
        FLO_TRY(compare(c, x, y));
    return c->path || (!x && !y) ? FLO_OK : report(c, x ? x : y);
}

static flo_status compare(comparison *c, const flo_node *a, const flo_node *b)
{
    const flo_node *const x = unwrap(a, b), *const y = unwrap(b, a);
    if (x->kind != y->kind)
        return report(c, a);
    if (x->kind == FLO_NODE_MAP)
        return compare_maps(c, x, y);
    if (x->kind == FLO_NODE_LIST)
        return compare_lists(c, x, y);
    return same_scalar(x, y) ? FLO_OK : report(c, a);
}

flo_status flo_settings_difference(flo_arena *arena, const flo_node *old,
                                   const flo_node *new_tree, const char *const *ignored,
                                   int64_t count, char **path)
{
    comparison c = {.arena = arena, .ignored = ignored, .count = count};
    *path = NULL;
    FLO_TRY(compare(&c, old, new_tree));
    *path = c.path;
    return FLO_OK;
}
