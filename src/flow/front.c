/* Rows through the first layers of a flow, and what a layer refuses. */
#include "flow/front.h"

#include "core/integers.h"
#include "core/vector.h"
#include "flow/workspace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 256 }; /* rows at a time: they stay in the cache */

struct flo_front {
    const flo_flow *flow;
    flo_real *value[2]; /* [BLOCK, D or C]: between layers, in turn */
    flo_real *noise;    /* [BLOCK, most noise of a layer] */
    double *logdet;     /* [BLOCK] */
    flo_pass pass;
};

flo_status flo_front_create(flo_arena *arena, const flo_flow *flow, flo_front **front)
{
    flo_front *f;
    int64_t cache = 0, noise = 0;
    const int64_t width = flo_greater(flow->features, flow->context);
    for (int64_t k = 0; k < flow->fixed; k++) {
        cache = flo_greater(cache, flow->layer[k].bijection->cache);
        noise = flo_greater(noise, flow->layer[k].bijection->noise);
    }
    for (int64_t k = 0; k < flow->context_layers; k++)
        cache = flo_greater(cache, flow->context_layer[k].bijection->cache);
    FLO_TRY(flo_arena_take(arena, 1, sizeof *f, &f));
    f->flow = flow;
    for (int i = 0; i < 2; i++)
        FLO_TRY(flo_arena_take(arena, BLOCK * width, sizeof(flo_real), &f->value[i]));
    FLO_TRY(flo_arena_take(arena, BLOCK * noise, sizeof(flo_real), &f->noise));
    FLO_TRY(flo_arena_take(arena, BLOCK, sizeof(double), &f->logdet));
    FLO_TRY(flo_arena_take(arena, BLOCK * cache, sizeof(flo_real), &f->pass.cache));
    f->pass.noise = f->noise;
    *front = f;
    return flo_arena_take(arena, flo_workspace_scratch(flow, BLOCK), sizeof(flo_real),
                          &f->pass.scratch);
}

/* One layer further, from value[0] to value[1], which then change names. */
static void step(flo_front *f, const flo_layer *layer)
{
    const flo_bijection *const b = layer->bijection;
    b->kind->forward(b, NULL, &f->pass, f->value[0], f->value[1], f->logdet);
    flo_real *const given = f->value[0];
    f->value[0] = f->value[1];
    f->value[1] = given;
}

/* The column of the data that stands at `place` before layer k: layers of any range may
   change places, so they are asked with the numbers of the columns. */
static int64_t column_at(flo_front *f, const flo_layer *layer, int64_t k, int64_t width,
                         int64_t place)
{
    f->pass.rows = 1;
    for (int64_t j = 0; j < width; j++)
        f->value[0][j] = (flo_real)j;
    for (int64_t i = 0; i < k; i++)
        if (layer[i].bijection->kind->domain == FLO_ANY_RANGE)
            step(f, &layer[i]);
    return (int64_t)f->value[0][place];
}

int64_t flo_front_column(flo_front *f, bool of_context, int64_t k, int64_t place)
{
    const flo_flow *const flow = f->flow;
    return of_context ? column_at(f, flow->context_layer, k, flow->context, place)
                      : column_at(f, flow->layer, k, flow->features, place);
}

/* Whether layer k, which has just given value[0] for value[1], refused a number of a
   row that counts. */
static bool refused(flo_front *f, const flo_layer *layer, int64_t k, int64_t width,
                    const flo_real *weight, flo_refusal *refusal)
{
    const int64_t total = f->pass.rows * width;
    int64_t at = flo_vector_first_nonfinite(total, f->value[0]);
    while (at < total && weight[at / width] == 0)
        at += 1 + flo_vector_first_nonfinite(total - at - 1, f->value[0] + at + 1);
    if (at >= total)
        return false;
    *refusal = (flo_refusal){.layer = &layer[k],
                             .of_context = layer == f->flow->context_layer,
                             .row = at / width,
                             .place = at % width,
                             .value = (double)f->value[1][at]};
    refusal->column = column_at(f, layer, k, width, refusal->place);
    const flo_bijection *const b = layer[k].bijection;
    if (b->origin && b->shifts != FLO_SHIFTS_NONE)
        refusal->value =
            refusal->value / b->factor[refusal->place] + b->origin[refusal->place];
    return true;
}

/* A block of rows [B, width] through the first `layers` of a chain. */
static void pass_block(flo_front *f, const flo_layer *layer, int64_t layers,
                       int64_t width, int64_t first_row, const flo_real *weight,
                       flo_real *rows, flo_refusal *refusal)
{
    const size_t bytes = (size_t)(f->pass.rows * width) * sizeof *rows;
    memcpy(f->value[0], rows, bytes);
    for (int64_t k = 0; k < layers; k++) {
        if (layer[k].bijection->dithers)
            flo_flow_dither(f->flow, k, first_row, f->pass.rows, f->noise);
        step(f, &layer[k]);
        if (refused(f, layer, k, width, weight, refusal)) {
            refusal->row += first_row;
            return;
        }
    }
    memcpy(rows, f->value[0], bytes);
}

/* In the place of a layer. */
static const flo_layer categories = {.name = "categories"};

/* Layers leave categories alone, so they are looked at as the data has them. */
static void check_categories(const flo_flow *flow, int64_t first_row, int64_t rows,
                             const flo_real *context, const flo_real *weight,
                             flo_refusal *refusal)
{
    for (int64_t i = 0; i < rows; i++) {
        const flo_real *const row = context + i * flow->context;
        const flo_category *const category =
            weight[i] == 0 ? NULL : flo_categories_unknown(&flow->categories, row);
        if (!category)
            continue;
        *refusal = (flo_refusal){.layer = &categories,
                                 .category = category,
                                 .of_context = true,
                                 .row = first_row + i,
                                 .column = category->column,
                                 .place = category->column,
                                 .value = (double)row[category->column]};
        return;
    }
}

void flo_front_pass(flo_front *f, int64_t layers, int64_t context_layers,
                    int64_t first_row, int64_t rows, flo_real *x, flo_real *context,
                    const flo_real *weight, flo_refusal *refusal)
{
    const flo_flow *const flow = f->flow;
    refusal->layer = NULL;
    for (int64_t i = 0; i < rows && !refusal->layer; i += BLOCK) {
        f->pass.rows = rows - i < BLOCK ? rows - i : BLOCK;
        if (flow->categories.count)
            check_categories(flow, first_row + i, f->pass.rows,
                             context + i * flow->context, weight + i, refusal);
        if (refusal->layer)
            return;
        if (context_layers)
            pass_block(f, flow->context_layer, context_layers, flow->context,
                       first_row + i, weight + i, context + i * flow->context, refusal);
        if (layers && !refusal->layer)
            pass_block(f, flow->layer, layers, flow->features, first_row + i,
                       weight + i, x + i * flow->features, refusal);
    }
}

void flo_front_explain(const flo_refusal *refusal, char *text, size_t size)
{
    if (refusal->category) {
        flo_category_explain(refusal->category, text, size);
        return;
    }
    const flo_bijection *const b = refusal->layer->bijection;
    if (b->kind->explain)
        b->kind->explain(b, refusal->place, text, size);
    else
        snprintf(text, size,
                 "%s; scale the data in the file, change the layer, or leave the "
                 "column out of the layer's `columns`",
                 flo_range_words(b->kind->domain));
}
