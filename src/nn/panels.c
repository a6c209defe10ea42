/* The weight of a masked map, packed in panels of rows without the zero blocks. */
#include "nn/panels.h"

#include "linalg/products.h"
#include "linalg/thin.h"
#include "nn/dense.h"

#include <math.h>
#include <string.h>

/* Rows and inputs of one degree from which on the BLAS is faster than thin products:
   with few columns a degree has many units. */
enum { LEAST_FOR_BLAS = 32 };

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
    *panel = (flo_panel){.row = first[from],
                         .rows = first[to] - first[from],
                         .earlier = p->inputs.first[from],
                         .weight = weight};
    for (int64_t d = from; d < to; d++)
        for (int64_t r = first[d]; r < first[d + 1]; r++)
            panel->columns = seen[r] = inputs_seen(p, d);
    for (int64_t r = 0; r < panel->rows; r++)
        length[panel->row + r] = panel->columns;
    if (panel->earlier > panel->columns)
        panel->earlier = panel->columns;
    return panel->rows * panel->columns;
}

flo_status flo_panels_create(flo_arena *arena, const flo_degrees *degrees,
                             flo_units inputs, flo_units outputs, flo_panels **panels)
{
    flo_panels *p;
    int64_t *length, *seen;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *p, &p));
    FLO_TRY(flo_arena_take(arena, degrees->blocks, sizeof *p->panel, &p->panel));
    FLO_TRY(flo_arena_take(arena, outputs.count, sizeof *length, &length));
    FLO_TRY(flo_arena_take(arena, outputs.count, sizeof *seen, &seen));
    p->degrees = degrees;
    p->inputs = inputs;
    p->outputs = outputs;
    p->ragged = (flo_ragged){outputs.count, length, seen};
    for (int64_t b = 0; b < degrees->blocks; b++)
        p->size += lay_panel(p, b, p->size, length, seen);
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

void flo_panels_forward(const flo_panels *panels, const flo_real *weight, int64_t B,
                        const flo_real *x, flo_real *y)
{
    const int64_t k = panels->inputs.count, n = panels->outputs.count;
    for (int64_t b = 0; b < panels->degrees->blocks; b++) {
        const flo_panel *const p = &panels->panel[b];
        flo_product_nt_part(B, p->rows, p->columns, x, k, weight + p->weight,
                            p->columns, 1, y + p->row, n);
    }
}

/* The product filled the panel: what its rows do not see becomes zero again. */
static void clear_unseen(const flo_panels *panels, const flo_panel *p,
                         flo_real *dweight)
{
    for (int64_t r = 0; r < p->rows; r++) {
        const int64_t seen = panels->ragged.seen[p->row + r];
        memset(dweight + r * p->columns + seen, 0,
               (size_t)(p->columns - seen) * sizeof *dweight);
    }
}

void flo_panels_backward(const flo_panels *panels, const flo_real *weight, int64_t B,
                         const flo_real *x, const flo_real *dy, flo_real *dx,
                         flo_real *dweight)
{
    const int64_t k = panels->inputs.count, n = panels->outputs.count;
    if (dx)
        memset(dx, 0, (size_t)(B * k) * sizeof *dx);
    for (int64_t b = 0; b < panels->degrees->blocks; b++) {
        const flo_panel *const p = &panels->panel[b];
        flo_product_tn_part(B, p->rows, p->columns, dy + p->row, n, x, k, 1,
                            dweight + p->weight, p->columns);
        clear_unseen(panels, p, dweight + p->weight);
        if (dx)
            flo_product_nn_part(B, p->columns, p->rows, dy + p->row, n,
                                weight + p->weight, p->columns, 1, dx, k);
    }
}

void flo_panels_solve_earlier(const flo_panels *panels, const flo_real *weight,
                              const flo_real *bias, int64_t block, int64_t B,
                              const flo_real *x, flo_real *y)
{
    const flo_panel *const p = &panels->panel[block];
    flo_bias_forward_units(p->rows, B, false, bias + p->row, y + p->row * B);
    flo_product_nn_part(p->rows, B, p->earlier, weight + p->weight, p->columns, x, B, 1,
                        y + p->row * B, B);
}

void flo_panels_solve_degree(const flo_panels *panels, const flo_real *weight,
                             int64_t degree, int64_t B, const flo_real *x, flo_real *y)
{
    const flo_panel *const p = &panels->panel[degree / panels->degrees->block];
    const int64_t row = panels->outputs.first[degree];
    const int64_t rows = panels->outputs.first[degree + 1] - row;
    if (rows == 0)
        return;
    const int64_t k = inputs_seen(panels, degree) - p->earlier;
    const flo_real *const w =
        weight + p->weight + (row - p->row) * p->columns + p->earlier;
    x += p->earlier * B;
    y += row * B;
    if (rows >= LEAST_FOR_BLAS && k >= LEAST_FOR_BLAS)
        flo_product_nn_part(rows, B, k, w, p->columns, x, B, 1, y, B);
    else
        flo_thin_product(rows, B, k, w, p->columns, x, y);
}
