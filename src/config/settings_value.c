/* One setting: from its node to its place in a struct. */
#include "config/settings_value.h"

#include "config/fail.h"
#include "config/scalar.h"
#include "config/settings_describe.h"

#include <math.h>
#include <string.h>

/* Where a value comes from and goes to. */
typedef struct place {
    flo_arena *arena;
    const flo_setting *row;
    flo_node *node; /* not null */
    void *value;
} place;

static flo_status fail(const place *p, const flo_node *node, const char *more)
{
    char *wanted;
    FLO_TRY(flo_setting_wanted(p->arena, p->row, &wanted));
    return flo_settings_fail(p->arena, node, "%s%s", wanted, more);
}

static bool is_plain_scalar(const flo_node *node)
{
    return node->kind == FLO_NODE_SCALAR && !node->quoted;
}

static bool is_in_range(const flo_setting *row, double number)
{
    return (row->low == 0 && row->high == 0) ||
           (number >= row->low && number <= row->high);
}

static bool to_integer(const flo_setting *row, const flo_node *node, int64_t *value)
{
    return is_plain_scalar(node) && flo_scalar_integer(node->text, value) &&
           is_in_range(row, (double)*value);
}

static bool to_text(const flo_node *node, const char **text)
{
    *text = node->text;
    return node->kind == FLO_NODE_SCALAR && !flo_node_is_null(node);
}

static flo_status read_boolean(const place *p)
{
    static const char *const others[] = {"yes", "no", "on", "off"};
    if (is_plain_scalar(p->node) && flo_scalar_boolean(p->node->text, p->value))
        return FLO_OK;
    for (size_t i = 0; p->node->kind == FLO_NODE_SCALAR && i < 4; i++)
        if (strcasecmp(p->node->text, others[i]) == 0)
            return fail(p, p->node, " (yes, no, on and off are text in newer YAML)");
    return fail(p, p->node, "");
}

static flo_status read_integer(const place *p)
{
    int64_t value;
    if (!to_integer(p->row, p->node, &value))
        return fail(p, p->node, "");
    memcpy(p->value, &value, sizeof value);
    return FLO_OK;
}

static flo_status read_number(const place *p)
{
    double value;
    if (!is_plain_scalar(p->node) || !flo_scalar_number(p->node->text, &value) ||
        !is_in_range(p->row, value))
        return fail(p, p->node, "");
    memcpy(p->value, &value, sizeof value);
    return FLO_OK;
}

static flo_status read_bytes(const place *p)
{
    int64_t value;
    if (!is_plain_scalar(p->node) || !flo_scalar_bytes(p->node->text, &value) ||
        !is_in_range(p->row, (double)value))
        return fail(p, p->node, "");
    memcpy(p->value, &value, sizeof value);
    return FLO_OK;
}

static flo_status read_text(const place *p)
{
    const char *value;
    if (!to_text(p->node, &value))
        return fail(p, p->node, "");
    memcpy(p->value, &value, sizeof value);
    return FLO_OK;
}

/* The index of a scalar among choices "a|b|c"; the nearest of them where it is none. */
static int find_choice(const char *choices, flo_nearest *nearest)
{
    const size_t length = strlen(nearest->wanted);
    for (int i = 0;; i++) {
        const size_t size = strcspn(choices, "|");
        if (size == length && memcmp(choices, nearest->wanted, size) == 0)
            return i;
        flo_nearest_offer(nearest, choices, size);
        if (!choices[size])
            return -1;
        choices += size + 1;
    }
}

static flo_status read_choice(const place *p)
{
    if (p->node->kind != FLO_NODE_SCALAR)
        return fail(p, p->node, "");
    flo_nearest nearest = {.wanted = p->node->text};
    const int value = find_choice(p->row->choices, &nearest);
    char *mean;
    FLO_TRY(flo_nearest_text(p->arena, &nearest, &mean));
    if (value < 0)
        return fail(p, p->node, mean);
    memcpy(p->value, &value, sizeof value);
    return FLO_OK;
}

/* A list's items, or the scalar that serves for a list of one. */
static flo_status items_of(const place *p, const flo_node **first, int64_t *count)
{
    const bool is_list = p->node->kind == FLO_NODE_LIST;
    if (p->node->kind == FLO_NODE_MAP ||
        (is_list && p->node->count == 0 && p->row->flags & FLO_REQUIRED))
        return fail(p, p->node, "");
    *first = is_list ? p->node->first : p->node;
    *count = is_list ? p->node->count : 1;
    return FLO_OK;
}

static flo_status read_integers(const place *p)
{
    const flo_node *node = NULL;
    int64_t count = 0, *values;
    FLO_TRY(items_of(p, &node, &count));
    FLO_TRY(flo_arena_take(p->arena, count, sizeof *values, &values));
    for (int64_t i = 0; i < count; i++, node = node->next)
        if (!to_integer(p->row, node, &values[i]))
            return fail(p, node, "");
    const flo_integers value = {.count = count, .values = values};
    memcpy(p->value, &value, sizeof value);
    return FLO_OK;
}

static flo_status read_texts(const place *p)
{
    const flo_node *node = NULL;
    int64_t count = 0;
    const char **values;
    FLO_TRY(items_of(p, &node, &count));
    FLO_TRY(flo_arena_take(p->arena, count, sizeof *values, &values));
    for (int64_t i = 0; i < count; i++, node = node->next)
        if (!to_text(node, &values[i]))
            return fail(p, node, "");
    const flo_texts value = {.count = count, .values = values};
    memcpy(p->value, &value, sizeof value);
    return FLO_OK;
}

static flo_status read_node(const place *p)
{
    memcpy(p->value, &p->node, sizeof p->node);
    return FLO_OK;
}

static void store_unset_integer(void *value)
{
    const int64_t unset = FLO_AUTO;
    memcpy(value, &unset, sizeof unset);
}

static void store_unset_number(void *value)
{
    const double unset = NAN;
    memcpy(value, &unset, sizeof unset);
}

static void store_null_pointer(void *value)
{
    void *const null = NULL;
    memcpy(value, &null, sizeof null);
}

static void store_no_items(void *value)
{
    const flo_integers none = {0};
    _Static_assert(sizeof(flo_integers) == sizeof(flo_texts), "lists are alike");
    memcpy(value, &none, sizeof none);
}

typedef struct type {
    flo_status (*read)(const place *p);
    void (*store_null)(void *value); /* NULL: null is read like any other text */
    void (*store_auto)(void *value); /* likewise */
} type;

static const type types[] = {
    [FLO_BOOLEAN] = {read_boolean, NULL, NULL},
    [FLO_INTEGER] = {read_integer, store_unset_integer, store_unset_integer},
    [FLO_NUMBER] = {read_number, store_unset_number, store_unset_number},
    [FLO_TEXT] = {read_text, store_null_pointer, NULL},
    [FLO_CHOICE] = {read_choice, NULL, NULL},
    [FLO_BYTES] = {read_bytes, store_unset_integer, store_unset_integer},
    [FLO_INTEGERS] = {read_integers, store_no_items, store_no_items},
    [FLO_TEXTS] = {read_texts, store_no_items, NULL},
    [FLO_NODE] = {read_node, store_null_pointer, NULL},
};

static bool is_auto(const flo_setting *row, const flo_node *node)
{
    return row->flags & FLO_AUTO_VALUE && is_plain_scalar(node) &&
           strcmp(node->text, "auto") == 0;
}

flo_status flo_setting_read(flo_arena *arena, const flo_setting *row, flo_node *node,
                            void *values)
{
    const type *const t = &types[row->type];
    const place p = {arena, row, node, (char *)values + row->offset};
    if (flo_node_is_null(node) && t->store_null) {
        if (!flo_setting_allows_null(row))
            return fail(&p, node, "");
        t->store_null(p.value);
        return FLO_OK;
    }
    if (is_auto(row, node) && t->store_auto) {
        t->store_auto(p.value);
        return FLO_OK;
    }
    return t->read(&p);
}
