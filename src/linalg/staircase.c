/* Products with a weight whose rows see the first inputs only.

   A stretch of the right operand, as wide as a tile and INNER long, is packed once and
   meets all rows of the weight while it is in cache; the weight itself is read as it
   lies, in full or rounded. */
#include "linalg/staircase.h"

#include "core/integers.h"
#include "linalg/bf16_tile.h"
#include "linalg/tally.h"
#include "linalg/tile.h"

#include <stddef.h>

enum { INNER = 256, ROUNDED = 256 * INNER };

/* The weight in full and, or NULL, rounded. */
typedef struct weights {
    const flo_real *full;
    const flo_bf16 *rounded;
} weights;

static weights weights_of(const flo_real *weight, const flo_rounded *rounded)
{
    return (weights){weight,
                     rounded ? rounded->copy + (weight - rounded->theta) : NULL};
}

/* A stretch of the right operand: numbers, `row` from one term to the next, or packed
   pairs of rounded ones. */
typedef struct stretch {
    const flo_real *full;
    int64_t row;
    const flo_bf16_pair *rounded;
} stretch;

typedef union room {
    _Alignas(FLO_SIMD_BYTES) flo_real full[INNER * FLO_TILE_WIDTH];
    uint32_t rounded[INNER / 2 * FLO_BF16_WIDTH];
} room;

/* Columns of a stretch. */
static int64_t width_of(const flo_rounded *rounded)
{
    return rounded ? FLO_BF16_WIDTH : FLO_TILE_WIDTH;
}

static stretch pack(const flo_rounded *rounded, int64_t inner, int64_t columns,
                    const flo_real *from, int64_t from_row, room *to)
{
    if (rounded) {
        flo_bf16_tile_pack(inner, columns, from, from_row, to->rounded);
        return (stretch){.rounded = to->rounded};
    }
    flo_tile_pack(inner, columns, from, from_row, to->full);
    return (stretch){.full = to->full, .row = FLO_TILE_WIDTH};
}

static stretch pack_transposed(const flo_rounded *rounded, int64_t inner,
                               int64_t columns, const flo_real *from, int64_t from_row,
                               room *to)
{
    if (rounded) {
        flo_bf16_tile_pack_transposed(inner, columns, from, from_row, to->rounded);
        return (stretch){.rounded = to->rounded};
    }
    flo_tile_pack_transposed(inner, columns, from, from_row, to->full);
    return (stretch){.full = to->full, .row = FLO_TILE_WIDTH};
}

/* Rows of a panel are shared evenly between tiles. */
static int64_t tile_rows(int64_t rows)
{
    return flo_divide_up(rows, flo_divide_up(rows, FLO_TILE_HEIGHT));
}

/* Inputs that row r of a panel sees. */
static int64_t sees(const flo_staircase *s, const flo_panel *p, int64_t r)
{
    return s->seen ? s->seen[p->row + r] : p->columns;
}

/* c += a b for rounded rows of the weight, `inner` terms. Where the rows go on behind
   them (`more`) stand zeros; elsewhere the next row, and the last of odd terms comes
   alone. */
static void add_rounded_rows(int64_t rows, int64_t columns, int64_t inner, bool more,
                             const flo_bf16 *at, int64_t length, const flo_bf16_pair *b,
                             flo_real *c, int64_t c_row)
{
    const bool alone = inner % 2 && !more;
    const flo_bf16_left whole = {at, length, false};
    flo_bf16_tile_product(rows, columns, alone ? inner / 2 : (inner + 1) / 2, whole, b,
                          true, c, c_row);
    if (!alone)
        return;
    flo_bf16 last[2 * FLO_TILE_HEIGHT] = {0};
    for (int64_t i = 0; i < rows; i++)
        last[2 * i] = at[i * length + inner - 1];
    flo_bf16_tile_product(rows, columns, 1, (flo_bf16_left){last, 2, false},
                          b + inner / 2 * FLO_BF16_WIDTH, true, c, c_row);
}

/* y += W x for a stretch b of x, inputs k .. k + inner - 1, and `columns` of the batch.
 */
static double forward_stretch(const flo_staircase *s, weights w, int64_t k,
                              int64_t inner, int64_t columns, stretch b, int64_t B,
                              flo_real *y)
{
    double terms = 0;
    for (int64_t i = 0; i < s->panels; i++) {
        const flo_panel *const p = &s->panel[i];
        if (p->columns <= k || p->rows == 0)
            continue;
        const int64_t height = tile_rows(p->rows);
        for (int64_t r = 0; r < p->rows; r += height) {
            const int64_t rows = flo_lesser(height, p->rows - r);
            const int64_t most = flo_lesser(inner, sees(s, p, r + rows - 1) - k);
            if (most <= 0)
                continue;
            const int64_t at = p->weight + r * p->length + k;
            flo_real *const c = y + (p->row + r) * B;
            if (w.rounded)
                add_rounded_rows(rows, columns, most, k + most < p->columns,
                                 w.rounded + at, p->length, b.rounded, c, B);
            else
                flo_tile_product(rows, columns, most,
                                 (flo_tile_left){w.full + at, p->length, false}, b.full,
                                 b.row, true, c, B);
            terms += (double)(rows * most);
        }
    }
    return terms;
}

static int64_t rows_of(const flo_staircase *s)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < s->panels; i++)
        rows += s->panel[i].rows;
    return rows;
}

/* A few rows do not pay for packing. */
void flo_staircase_forward(const flo_staircase *s, const flo_real *weight,
                           const flo_rounded *rounded, int64_t B, const flo_real *x,
                           flo_real *y)
{
    double began, work = 0;
    flo_tally *const tally = flo_tally_begin(&began);
    const weights w = weights_of(weight, rounded);
    const bool few = !rounded && rows_of(s) <= 2 * FLO_TILE_HEIGHT;
    const int64_t width = width_of(rounded);
    room packed;
    for (int64_t j = 0; j < B; j += width) {
        const int64_t columns = flo_lesser(width, B - j);
        for (int64_t k = 0; k < s->inputs; k += INNER) {
            const int64_t inner = flo_lesser(INNER, s->inputs - k);
            const flo_real *const from = x + k * B + j;
            const stretch b = few && columns % FLO_SIMD == 0
                                  ? (stretch){.full = from, .row = B}
                                  : pack(rounded, inner, columns, from, B, &packed);
            work +=
                (double)columns * forward_stretch(s, w, k, inner, columns, b, B, y + j);
        }
    }
    if (tally)
        flo_tally_end(tally, began, work);
}

/* A piece of a panel, its rows r .. r + inner - 1, and what they meet. */
typedef struct backward_piece {
    const flo_staircase *s;
    const flo_panel *p;
    int64_t r, inner, columns, B;
    stretch b; /* of dy */
} backward_piece;

/* The first row of the piece that sees an input, from `first` on. */
static int64_t first_seeing(const backward_piece *g, int64_t input, int64_t first)
{
    while (sees(g->s, g->p, g->r + first) <= input)
        first++;
    return first;
}

/* dx += W^T dy for inputs i .. i + inputs - 1. An input takes from the rows that see
   it. */
static double backward_full(const backward_piece *g, const flo_real *weight, int64_t i,
                            int64_t inputs, int64_t *first, flo_real *dx)
{
    *first = first_seeing(g, i, *first);
    const int64_t from = *first, at = (g->r + from) * g->p->length + i;
    const flo_tile_left w = {weight + g->p->weight + at, g->p->length, true};
    flo_tile_product(inputs, g->columns, g->inner - from, w,
                     g->b.full + from * g->b.row, g->b.row, true, dx + i * g->B, g->B);
    return (double)(inputs * (g->inner - from));
}

/* The same of rounded numbers, up to FLO_BF16_LEFT inputs. Terms are counted from an
   even row: where that is one more, it adds the zero that is stored there. */
static double backward_rounded(const backward_piece *g, const flo_bf16 *weight,
                               int64_t i, int64_t inputs, int64_t *first, flo_real *dx)
{
    uint32_t left[INNER / 2 * FLO_BF16_LEFT];
    *first = first_seeing(g, i, *first);
    const int64_t from = *first - *first % 2, height = tile_rows(inputs);
    const int64_t at = (g->r + from) * g->p->length + i;
    flo_bf16_tile_pack_left(g->inner - from, inputs, weight + g->p->weight + at,
                            g->p->length, left);
    double terms = 0;
    for (int64_t t = 0; t < inputs; t += height) {
        const int64_t rows = flo_lesser(height, inputs - t);
        *first = first_seeing(g, i + t, *first);
        const int64_t skip = (*first - from) / 2, q = from / 2 + skip;
        const flo_bf16_left w = {(const flo_bf16 *)(left + skip * FLO_BF16_LEFT + t),
                                 FLO_BF16_LEFT, true};
        flo_bf16_tile_product(rows, g->columns, (g->inner + 1) / 2 - q, w,
                              g->b.rounded + q * FLO_BF16_WIDTH, true,
                              dx + (i + t) * g->B, g->B);
        terms += (double)(rows * (g->inner - *first));
    }
    return terms;
}

static double backward_panel_piece(const backward_piece *g, weights w, flo_real *dx)
{
    double terms = 0;
    const int64_t most = sees(g->s, g->p, g->r + g->inner - 1);
    const int64_t step = w.rounded ? FLO_BF16_LEFT : most > 0 ? tile_rows(most) : 1;
    int64_t first = 0;
    for (int64_t i = 0; i < most; i += step) {
        const int64_t inputs = flo_lesser(step, most - i);
        terms += w.rounded ? backward_rounded(g, w.rounded, i, inputs, &first, dx)
                           : backward_full(g, w.full, i, inputs, &first, dx);
    }
    return terms;
}

void flo_staircase_backward(const flo_staircase *s, const flo_real *weight,
                            const flo_rounded *rounded, int64_t B, const flo_real *dy,
                            flo_real *dx)
{
    double began, work = 0;
    flo_tally *const tally = flo_tally_begin(&began);
    const weights w = weights_of(weight, rounded);
    const int64_t width = width_of(rounded);
    room packed;
    for (int64_t j = 0; j < B; j += width) {
        const int64_t columns = flo_lesser(width, B - j);
        for (int64_t i = 0; i < s->panels; i++) {
            const flo_panel *const p = &s->panel[i];
            for (int64_t r = 0; r < p->rows && p->columns > 0; r += INNER) {
                const int64_t inner = flo_lesser(INNER, p->rows - r);
                const stretch b = pack(rounded, inner, columns,
                                       dy + (p->row + r) * B + j, B, &packed);
                const backward_piece piece = {s, p, r, inner, columns, B, b};
                work += (double)columns * backward_panel_piece(&piece, w, dx + j);
            }
        }
    }
    if (tally)
        flo_tally_end(tally, began, work);
}

/* Rows of dy, from row `first` on and with `step` from one to the next, in full or
   rounded. */
typedef struct gradient_rows {
    int64_t first, last, step;
    bool add; /* to what is there */
    const flo_real *full;
    const flo_bf16 *rounded;
} gradient_rows;

/* dW += dy x^T for a stretch b of x^T: inputs k .. k + columns - 1, `inner` rows of
   the batch. */
static double gradient_stretch(const flo_staircase *s, int64_t k, int64_t columns,
                               int64_t inner, stretch b, const gradient_rows *d,
                               flo_real *dweight)
{
    double terms = 0;
    for (int64_t i = 0; i < s->panels; i++) {
        const flo_panel *const p = &s->panel[i];
        const int64_t begin = d->first > p->row ? d->first - p->row : 0;
        const int64_t end = flo_lesser(p->rows, d->last - p->row);
        if (p->columns <= k || begin >= end)
            continue;
        const int64_t height = tile_rows(end - begin);
        for (int64_t r = begin; r < end; r += height) {
            const int64_t rows = flo_lesser(height, end - r);
            const int64_t most = flo_lesser(columns, sees(s, p, r + rows - 1) - k);
            if (most <= 0)
                continue;
            const int64_t at = (p->row + r - d->first) * d->step;
            flo_real *const c = dweight + p->weight + r * p->length + k;
            if (d->rounded)
                flo_bf16_tile_product(rows, most, (inner + 1) / 2,
                                      (flo_bf16_left){d->rounded + at, d->step, false},
                                      b.rounded, d->add, c, p->length);
            else
                flo_tile_product(rows, most, inner,
                                 (flo_tile_left){d->full + at, d->step, false}, b.full,
                                 b.row, d->add, c, p->length);
            terms += (double)(rows * most);
        }
    }
    return terms;
}

static double gradient_rows_product(const flo_staircase *s, const flo_rounded *rounded,
                                    int64_t inner, int64_t B, const flo_real *x,
                                    const gradient_rows *d, flo_real *dweight)
{
    double terms = 0;
    const int64_t width = width_of(rounded);
    room packed;
    for (int64_t k = 0; k < s->inputs; k += width) {
        const int64_t columns = flo_lesser(width, s->inputs - k);
        const stretch b =
            pack_transposed(rounded, inner, columns, x + k * B, B, &packed);
        terms += gradient_stretch(s, k, columns, inner, b, d, dweight);
    }
    return terms;
}

/* dW += dy x^T for `inner` rows of the batch, with dy rounded some rows at a time. */
static double gradient_rounded(const flo_staircase *s, const flo_rounded *rounded,
                               int64_t inner, int64_t B, const flo_real *x,
                               const flo_real *dy, bool add, flo_real *dweight)
{
    _Alignas(FLO_SIMD_BYTES) flo_bf16 left[ROUNDED];
    double terms = 0;
    const int64_t total = rows_of(s);
    gradient_rows d = {.step = flo_bf16_room(inner), .add = add, .rounded = left};
    for (d.first = 0; d.first < total; d.first = d.last) {
        d.last = flo_lesser(total, d.first + ROUNDED / d.step);
        for (int64_t r = d.first; r < d.last; r++)
            flo_bf16_round(inner, dy + r * B, left + (r - d.first) * d.step);
        terms += gradient_rows_product(s, rounded, inner, B, x, &d, dweight);
    }
    return terms;
}

void flo_staircase_gradient(const flo_staircase *s, const flo_rounded *rounded,
                            int64_t B, bool add, const flo_real *x, const flo_real *dy,
                            flo_real *dweight)
{
    double began, work = 0;
    flo_tally *const tally = flo_tally_begin(&began);
    for (int64_t j = 0; j < B; j += INNER) {
        const int64_t inner = flo_lesser(INNER, B - j);
        const gradient_rows all = {
            .last = rows_of(s), .step = B, .add = add || j > 0, .full = dy + j};
        work +=
            (double)inner *
            (rounded ? gradient_rounded(s, rounded, inner, B, x + j, dy + j,
                                        add || j > 0, dweight)
                     : gradient_rows_product(s, NULL, inner, B, x + j, &all, dweight));
    }
    if (tally)
        flo_tally_end(tally, began, work);
}
