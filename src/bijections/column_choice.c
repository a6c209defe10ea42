/* Setting `columns` of layers that act on some columns. */
#include "bijections/column_choice.h"

#include "config/index_range.h"

#include <string.h>

static flo_status fail(flo_arena *arena, const flo_node *node, int64_t D,
                       const char *what)
{
    return flo_settings_fail(arena, node,
                             "%s: all, or a list of indices from 0 to %lld and of "
                             "ranges such as 0:3 (\"3:\" in quotes)",
                             what, (long long)D - 1);
}

/* Marks what one item of the list names. */
static flo_status mark(flo_arena *arena, const flo_node *item, int64_t D, bool *passes)
{
    int64_t first, last;
    if (!flo_index_range(item, D, &first, &last))
        return fail(arena, item, D, "columns of this layer");
    for (int64_t j = first; j < last; j++) {
        if (!passes[j])
            return fail(arena, item, D, "each column once");
        passes[j] = false;
    }
    return FLO_OK;
}

static bool is_all(const flo_node *node)
{
    return node->kind == FLO_NODE_SCALAR && strcmp(node->text, "all") == 0;
}

flo_status flo_column_choice_make(flo_bijection *self, flo_arena *arena,
                                  flo_column_choice *choice)
{
    const flo_node *const node = choice->setting;
    const int64_t D = self->features;
    bool *passes;
    int64_t *column;
    choice->count = D;
    if (is_all(node) && !self->angles)
        return FLO_OK;
    if (node->kind == FLO_NODE_MAP || (node->kind == FLO_NODE_LIST && !node->count))
        return fail(arena, node, D, "columns of this layer");
    FLO_TRY(flo_arena_take(arena, D, sizeof *passes, &passes));
    FLO_TRY(flo_arena_take(arena, D, sizeof *column, &column));
    memset(passes, true, (size_t)D * sizeof *passes);
    if (is_all(node))
        memcpy(passes, self->angles, (size_t)D * sizeof *passes);
    else if (node->kind == FLO_NODE_SCALAR)
        FLO_TRY(mark(arena, node, D, passes));
    else
        for (const flo_node *item = node->first; item; item = item->next)
            FLO_TRY(mark(arena, item, D, passes));
    choice->count = 0;
    for (int64_t j = 0; j < D; j++)
        if (!passes[j])
            column[choice->count++] = j;
    if (choice->count == D)
        return FLO_OK;
    choice->column = column;
    self->passes = passes;
    return FLO_OK;
}

void flo_column_choice_gather(const flo_column_choice *choice, int64_t B, int64_t D,
                              const flo_real *rows, flo_real *chosen)
{
    const int64_t n = choice->count;
    for (int64_t i = 0; i < B; i++)
        for (int64_t k = 0; k < n; k++)
            chosen[i * n + k] = rows[i * D + choice->column[k]];
}

void flo_column_choice_scatter(const flo_column_choice *choice, int64_t B, int64_t D,
                               const flo_real *chosen, flo_real *rows)
{
    const int64_t n = choice->count;
    for (int64_t i = 0; i < B; i++)
        for (int64_t k = 0; k < n; k++)
            rows[i * D + choice->column[k]] = chosen[i * n + k];
}
