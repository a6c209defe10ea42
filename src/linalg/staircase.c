/* Products with a weight whose rows see the first inputs only.

   A stretch of the right operand, as wide as a tile and INNER long, is packed once and
   meets all rows of the weight while it is in cache; the weight itself is read as it
   lies. */
#include "linalg/staircase.h"

#include "core/integers.h"
#include "linalg/tally.h"
#include "linalg/tile.h"

#include <stddef.h>

enum { INNER = 256 };

typedef struct packed {
    _Alignas(FLO_SIMD_BYTES) flo_real at[INNER * FLO_TILE_WIDTH];
} packed;

/* Rows of a panel are shared evenly between tiles. */
static int64_t tile_rows(int64_t rows)
{
    const int64_t tiles = (rows + FLO_TILE_HEIGHT - 1) / FLO_TILE_HEIGHT;
    return (rows + tiles - 1) / tiles;
}

/* Inputs that row r of a panel sees. */
static int64_t sees(const flo_staircase *s, const flo_panel *p, int64_t r)
{
    return s->seen ? s->seen[p->row + r] : p->columns;
}

/* y += W x for a stretch b of x, inputs k .. k + inner - 1, and `columns` of the batch.
 */
static double forward_stretch(const flo_staircase *s, const flo_real *weight, int64_t k,
                              int64_t inner, int64_t columns, const flo_real *b,
                              int64_t b_row, int64_t B, flo_real *y)
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
            const flo_tile_left w = {weight + p->weight + r * p->length + k, p->length,
                                     false};
            flo_tile_add(rows, columns, most, w, b, b_row, y + (p->row + r) * B, B);
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
void flo_staircase_forward(const flo_staircase *s, const flo_real *weight, int64_t B,
                           const flo_real *x, flo_real *y)
{
    double began, work = 0;
    flo_tally *const tally = flo_tally_begin(&began);
    const bool few = rows_of(s) <= 2 * FLO_TILE_HEIGHT;
    packed b;
    for (int64_t j = 0; j < B; j += FLO_TILE_WIDTH) {
        const int64_t columns = flo_lesser(FLO_TILE_WIDTH, B - j);
        for (int64_t k = 0; k < s->inputs; k += INNER) {
            const int64_t inner = flo_lesser(INNER, s->inputs - k);
            const flo_real *stretch = x + k * B + j;
            int64_t row = B;
            if (!few || columns % FLO_SIMD) {
                flo_tile_pack(inner, columns, stretch, B, b.at);
                stretch = b.at;
                row = FLO_TILE_WIDTH;
            }
            work += (double)columns * forward_stretch(s, weight, k, inner, columns,
                                                      stretch, row, B, y + j);
        }
    }
    if (tally)
        flo_tally_end(tally, began, work);
}

/* dx += W^T dy for a stretch b of dy, rows r .. r + inner - 1 of a panel. An input
   takes from the rows that see it. */
static double backward_stretch(const flo_staircase *s, const flo_panel *p,
                               const flo_real *weight, int64_t r, int64_t inner,
                               int64_t columns, const flo_real *b, int64_t B,
                               flo_real *dx)
{
    double terms = 0;
    const int64_t most = sees(s, p, r + inner - 1);
    const int64_t height = most > 0 ? tile_rows(most) : 1;
    int64_t from = 0;
    for (int64_t i = 0; i < most; i += height) {
        const int64_t inputs = flo_lesser(height, most - i);
        while (sees(s, p, r + from) <= i)
            from++;
        const flo_tile_left w = {weight + p->weight + (r + from) * p->length + i,
                                 p->length, true};
        flo_tile_add(inputs, columns, inner - from, w, b + from * FLO_TILE_WIDTH,
                     FLO_TILE_WIDTH, dx + i * B, B);
        terms += (double)(inputs * (inner - from));
    }
    return terms;
}

void flo_staircase_backward(const flo_staircase *s, const flo_real *weight, int64_t B,
                            const flo_real *dy, flo_real *dx)
{
    double began, work = 0;
    flo_tally *const tally = flo_tally_begin(&began);
    packed b;
    for (int64_t j = 0; j < B; j += FLO_TILE_WIDTH) {
        const int64_t columns = flo_lesser(FLO_TILE_WIDTH, B - j);
        for (int64_t i = 0; i < s->panels; i++) {
            const flo_panel *const p = &s->panel[i];
            for (int64_t r = 0; r < p->rows && p->columns > 0; r += INNER) {
                const int64_t inner = flo_lesser(INNER, p->rows - r);
                flo_tile_pack(inner, columns, dy + (p->row + r) * B + j, B, b.at);
                work += (double)columns * backward_stretch(s, p, weight, r, inner,
                                                           columns, b.at, B, dx + j);
            }
        }
    }
    if (tally)
        flo_tally_end(tally, began, work);
}

/* dW += dy x^T for a stretch b of x^T: inputs k .. k + columns - 1, rows j .. j + inner
   - 1 of the batch. */
static double gradient_stretch(const flo_staircase *s, int64_t k, int64_t columns,
                               int64_t inner, const flo_real *b, int64_t B,
                               const flo_real *dy, flo_real *dweight)
{
    double terms = 0;
    for (int64_t i = 0; i < s->panels; i++) {
        const flo_panel *const p = &s->panel[i];
        if (p->columns <= k || p->rows == 0)
            continue;
        const int64_t height = tile_rows(p->rows);
        for (int64_t r = 0; r < p->rows; r += height) {
            const int64_t rows = flo_lesser(height, p->rows - r);
            const int64_t most = flo_lesser(columns, sees(s, p, r + rows - 1) - k);
            if (most <= 0)
                continue;
            const flo_tile_left d = {dy + (p->row + r) * B, B, false};
            flo_tile_add(rows, most, inner, d, b, FLO_TILE_WIDTH,
                         dweight + p->weight + r * p->length + k, p->length);
            terms += (double)(rows * most);
        }
    }
    return terms;
}

void flo_staircase_gradient(const flo_staircase *s, int64_t B, const flo_real *x,
                            const flo_real *dy, flo_real *dweight)
{
    double began, work = 0;
    flo_tally *const tally = flo_tally_begin(&began);
    packed b;
    for (int64_t k = 0; k < s->inputs; k += FLO_TILE_WIDTH) {
        const int64_t columns = flo_lesser(FLO_TILE_WIDTH, s->inputs - k);
        for (int64_t j = 0; j < B; j += INNER) {
            const int64_t inner = flo_lesser(INNER, B - j);
            flo_tile_pack_transposed(inner, columns, x + k * B + j, B, b.at);
            work += (double)inner *
                    gradient_stretch(s, k, columns, inner, b.at, B, dy + j, dweight);
        }
    }
    if (tally)
        flo_tally_end(tally, began, work);
}
