/* The weight of a masked map, packed in panels of rows without the zero blocks. */
#include "nn/panels.h"

#include "core/integers.h"
#include "nn/dense.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* The inputs that a unit of this degree sees. */
static int64_t inputs_seen(const flo_panels *p, int64_t degree)
{
    return p->inputs.first[degree + 1];
}

/* Sets the panel of a block and, of its rows, what they see; returns its size. */
static int64_t lay_panel(flo_panels *p, int64_t block, int64_t weight, int64_t *length,
                         int64_t *seen)
{
    const int64_t *const first = p->outputs.first;
    const int64_t from = block * p->degrees->block, most = from + p->degrees->block;
    const int64_t to = most < p->degrees->features ? most : p->degrees->features;
    flo_panel *const panel = &p->panel[block];
    *panel = (flo_panel){
        .row = first[from], .rows = first[to] - first[from], .weight = weight};
    for (int64_t d = from; d < to; d++)
        for (int64_t r = first[d]; r < first[d + 1]; r++)
            panel->columns = seen[r] = inputs_seen(p, d);
    for (int64_t r = 0; r < panel->rows; r++)
        length[panel->row + r] = panel->columns;
    panel->length = panel->columns;
    p->earlier[block] = flo_lesser(p->inputs.first[from], panel->columns);
    return panel->rows * panel->columns;
}

flo_status flo_panels_create(flo_arena *arena, const flo_degrees *degrees,
                             flo_units inputs, flo_units outputs, flo_panels **panels)
{
    flo_panels *p;
    int64_t *length, *seen;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *p, &p));
    FLO_TRY(flo_arena_take(arena, degrees->blocks, sizeof *p->panel, &p->panel));
    FLO_TRY(flo_arena_take(arena, degrees->blocks, sizeof *p->earlier, &p->earlier));
    FLO_TRY(flo_arena_take(arena, outputs.count, sizeof *length, &length));
    FLO_TRY(flo_arena_take(arena, outputs.count, sizeof *seen, &seen));
    p->degrees = degrees;
    p->inputs = inputs;
    p->outputs = outputs;
    p->ragged = (flo_ragged){outputs.count, length, seen};
    for (int64_t b = 0; b < degrees->blocks; b++)
        p->size += lay_panel(p, b, p->size, length, seen);
    p->staircase = (flo_staircase){inputs.count, degrees->blocks, p->panel, seen};
    *panels = p;
    return FLO_OK;
}

void flo_panels_init(const flo_panels *panels, double limit, flo_random_key key,
                     flo_real *weight, flo_real *bias)
{
    int64_t offset = 0;
    memset(weight, 0, (size_t)panels->size * sizeof *weight);
    for (int64_t r = 0; r < panels->ragged.rows; r++) {
        const int64_t seen = panels->ragged.seen[r];
        const double inputs = seen > 0 ? (double)seen : 1;
        const flo_real bound = (flo_real)(limit < 0 ? 1 / sqrt(inputs) : limit);
        flo_fill_uniform(key, offset, seen, bound, weight + offset);
        flo_fill_uniform(key, panels->size + r, 1, bound, bias + r);
        offset += panels->ragged.length[r];
    }
}

void flo_panels_forward(const flo_panels *panels, const flo_real *weight,
                        const flo_pass *pass, const flo_real *x, flo_real *y)
{
    flo_staircase_forward(&panels->staircase, weight, pass->rounded, pass->rows, x, y);
}

/* The product filled tiles: what rows do not see becomes zero again. */
static void clear_unseen(const flo_panels *panels, flo_real *dweight)
{
    const flo_ragged *const ragged = &panels->ragged;
    for (int64_t r = 0; r < ragged->rows; r++) {
        memset(dweight + ragged->seen[r], 0,
               (size_t)(ragged->length[r] - ragged->seen[r]) * sizeof *dweight);
        dweight += ragged->length[r];
    }
}

void flo_panels_backward(const flo_panels *panels, const flo_real *weight,
                         const flo_pass *pass, const flo_real *x, const flo_real *dy,
                         flo_real *dx, flo_real *dweight)
{
    flo_staircase_gradient(&panels->staircase, pass->rounded, pass->rows, !pass->fresh,
                           x, dy, dweight);
    clear_unseen(panels, dweight);
    if (!dx)
        return;
    memset(dx, 0, (size_t)(panels->inputs.count * pass->rows) * sizeof *dx);
    flo_staircase_backward(&panels->staircase, weight, pass->rounded, pass->rows, dy,
                           dx);
}

/* y += what the inputs from .. to - 1 give to rows of a panel. */
static void add_part(const flo_panel *p, const flo_real *weight, int64_t row,
                     int64_t rows, int64_t from, int64_t to, int64_t B,
                     const flo_real *x, flo_real *y)
{
    const flo_panel part = {.rows = rows,
                            .columns = to - from,
                            .length = p->length,
                            .weight = p->weight + (row - p->row) * p->length + from};
    const flo_staircase whole = {to - from, 1, &part, NULL};
    flo_staircase_forward(&whole, weight, NULL, B, x + from * B, y + row * B);
}

void flo_panels_solve_earlier(const flo_panels *panels, const flo_real *weight,
                              const flo_real *bias, int64_t block, int64_t B,
                              const flo_real *x, flo_real *y)
{
    const flo_panel *const p = &panels->panel[block];
    flo_bias_forward(p->rows, B, false, bias + p->row, y + p->row * B);
    add_part(p, weight, p->row, p->rows, 0, panels->earlier[block], B, x, y);
}

void flo_panels_solve_degree(const flo_panels *panels, const flo_real *weight,
                             int64_t degree, int64_t B, const flo_real *x, flo_real *y)
{
    const int64_t block = degree / panels->degrees->block;
    const int64_t row = panels->outputs.first[degree];
    const int64_t rows = panels->outputs.first[degree + 1] - row;
    add_part(&panels->panel[block], weight, row, rows, panels->earlier[block],
             inputs_seen(panels, degree), B, x, y);
}
