/* Categories among the columns of the context, as one-hot columns. */
#include "flow/categories.h"

#include "config/settings.h"
#include "core/elementary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char flo_categories_key[] = "context_categories";

enum { SHOWN = 12 }; /* values in a message */

/* One entry as it is written. */
typedef struct entry {
    int64_t column;
    flo_integers values;
} entry;

/* Whole numbers up to here are told apart by flo_real. */
static const double largest = 1 / (double)FLO_EPSILON;

static const flo_setting rows[] = {{.name = "column",
                                    .type = FLO_INTEGER,
                                    .offset = offsetof(entry, column),
                                    .low = 0,
                                    .high = 1e9,
                                    .flags = FLO_REQUIRED,
                                    .help = "context column, from 0"},
                                   {.name = "values",
                                    .type = FLO_INTEGERS,
                                    .offset = offsetof(entry, values),
                                    .low = -1 / (double)FLO_EPSILON,
                                    .high = 1 / (double)FLO_EPSILON,
                                    .flags = FLO_REQUIRED,
                                    .help = "its values, rising"},
                                   {.name = NULL}};
static const flo_settings table = {"context_categories", "a context column of labels",
                                   rows};

static flo_status read_values(flo_arena *arena, const flo_node *node,
                              const flo_integers *values, flo_category *category)
{
    category->count = values->count;
    FLO_TRY(flo_arena_take(arena, values->count, sizeof(flo_real), &category->value));
    bool rising = values->count >= 1 && values->count <= FLO_CATEGORIES_MOST;
    for (int64_t k = 0; rising && k < values->count; k++) {
        category->value[k] = (flo_real)values->values[k];
        rising = (k == 0 || values->values[k] > values->values[k - 1]) &&
                 fabs((double)values->values[k]) <= largest;
    }
    if (rising)
        return FLO_OK;
    return flo_settings_fail(arena, flo_node_find(node, "values"),
                             "1 to %d different whole numbers, rising, that %s tells "
                             "apart (up to %.0f)",
                             FLO_CATEGORIES_MOST, FLO_REAL_NAME, largest);
}

static flo_status read_entry(flo_arena *arena, flo_node *node, flo_categories *c)
{
    entry e;
    if (node->kind != FLO_NODE_MAP)
        return flo_settings_fail(arena, node, "a map {column: 0, values: [0, 1]}");
    FLO_TRY(flo_settings_read(arena, NULL, node, &table, &e));
    const int64_t last = c->count ? c->column[c->count - 1].column : -1;
    if (e.column <= last || e.column >= c->context)
        return flo_settings_fail(arena, flo_node_find(node, "column"),
                                 "one of the %lld context columns, each once, rising",
                                 (long long)c->context);
    flo_category *const category = &c->column[c->count];
    category->column = e.column;
    FLO_TRY(read_values(arena, node, &e.values, category));
    c->count++;
    c->encoded += category->count - 1;
    return FLO_OK;
}

flo_status flo_categories_read(flo_arena *arena, const flo_node *root, int64_t contexts,
                               flo_categories *c)
{
    flo_node *const list = flo_node_find(root, flo_categories_key);
    *c = (flo_categories){.context = contexts, .encoded = contexts};
    if (!list || flo_node_is_null(list))
        return FLO_OK;
    if (list->kind != FLO_NODE_LIST)
        return flo_settings_fail(arena, list,
                                 "a list such as [{column: 0, values: [0, 1]}]");
    FLO_TRY(flo_arena_take(arena, list->count, sizeof *c->column, &c->column));
    for (flo_node *node = list->first; node; node = node->next)
        FLO_TRY(read_entry(arena, node, c));
    return FLO_OK;
}

static flo_status print_values(flo_arena *arena, const flo_category *category,
                               char **text)
{
    const size_t room = (size_t)category->count * 24 + 1;
    size_t used = 0;
    FLO_TRY(flo_arena_take(arena, (int64_t)room, 1, text));
    for (int64_t k = 0; k < category->count; k++)
        used += (size_t)snprintf(*text + used, room - used, "%s%.0f", k ? ", " : "",
                                 (double)category->value[k]);
    return FLO_OK;
}

flo_status flo_categories_print(flo_arena *arena, const flo_categories *c, char **text)
{
    char *values, *list = "";
    for (int64_t i = 0; i < c->count; i++) {
        FLO_TRY(print_values(arena, &c->column[i], &values));
        FLO_TRY(flo_arena_print(arena, &list, "%s%s{column: %lld, values: [%s]}", list,
                                i ? ", " : "", (long long)c->column[i].column, values));
    }
    return flo_arena_print(arena, text, "[%s]", list);
}

const flo_category *flo_categories_at(const flo_categories *c, int64_t column)
{
    for (int64_t i = 0; i < c->count; i++)
        if (c->column[i].column == column)
            return &c->column[i];
    return NULL;
}

int64_t flo_category_find(const flo_category *category, flo_real value)
{
    int64_t low = 0, high = category->count;
    while (high - low > 1) { /* the last value that is not above it */
        const int64_t middle = low + (high - low) / 2;
        *(category->value[middle] <= value ? &low : &high) = middle;
    }
    return category->value[low] == value ? low : -1;
}

const flo_category *flo_categories_unknown(const flo_categories *c, const flo_real *row)
{
    for (int64_t i = 0; i < c->count; i++)
        if (flo_category_find(&c->column[i], row[c->column[i].column]) < 0)
            return &c->column[i];
    return NULL;
}

/* One row. */
static void encode(const flo_categories *c, const flo_real *row, flo_real *encoded)
{
    int64_t next = 0; /* category */
    memset(encoded, 0, (size_t)c->encoded * sizeof *encoded);
    for (int64_t j = 0; j < c->context; j++) {
        if (next == c->count || c->column[next].column != j) {
            *encoded++ = row[j];
            continue;
        }
        const flo_category *const category = &c->column[next++];
        const int64_t k = flo_category_find(category, row[j]);
        if (k >= 0)
            encoded[k] = 1;
        encoded += category->count;
    }
}

void flo_categories_encode(const flo_categories *c, int64_t B, const flo_real *from,
                           flo_real *encoded)
{
    for (int64_t i = 0; i < B; i++)
        encode(c, from + i * c->context, encoded + i * c->encoded);
}

/* Adds the values to text [size]. */
static void add_values(const flo_category *category, char *text, size_t size)
{
    const int64_t n = category->count;
    const bool cut = n > SHOWN;
    for (int64_t k = 0; k < n; k = cut && k == SHOWN - 2 ? n - 1 : k + 1) {
        const size_t used = strlen(text);
        const char *const between = cut && k == n - 1 ? ", .. " : ", ";
        snprintf(text + used, size - used, "%s%.0f", k ? between : "",
                 (double)category->value[k]);
    }
}

void flo_category_list(const flo_category *category, char *text, size_t size)
{
    snprintf(text, size, "%lld categories: ", (long long)category->count);
    add_values(category, text, size);
}

void flo_category_explain(const flo_category *category, char *text, size_t size)
{
    snprintf(text, size, "one of the %lld categories that were trained on: ",
             (long long)category->count);
    add_values(category, text, size);
}
