/* Products with few rows, where packing for the BLAS would cost more than the sums.

   Two rows of w and four of x at a time: six loads and two stores for eight fused
   multiply-adds over a stretch of columns, whose part of x stays in the first cache. */
#include "linalg/thin.h"

#include "core/elementary.h"
#include "linalg/tally.h"

#include <stddef.h>

/* Columns of a stretch: 64 rows of x are then 16 KiB in float. */
enum { STRETCH = 512 / (int)sizeof(flo_real) };

/* y += sum over four rows of x, for two rows of w and y. */
static inline void two_by_four(int64_t B, const flo_real *v, const flo_real *w,
                               const flo_real *x, int64_t x_row, flo_real *restrict y,
                               flo_real *restrict z)
{
    const flo_real *const x0 = x, *const x1 = x0 + x_row, *const x2 = x1 + x_row,
                          *const x3 = x2 + x_row;
    const flo_real v0 = v[0], v1 = v[1], v2 = v[2], v3 = v[3];
    const flo_real w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B; i++) {
        const flo_real a = FLO_FUSED(v1, x1[i], FLO_FUSED(v0, x0[i], y[i]));
        const flo_real b = FLO_FUSED(w1, x1[i], FLO_FUSED(w0, x0[i], z[i]));
        y[i] = FLO_FUSED(v3, x3[i], FLO_FUSED(v2, x2[i], a));
        z[i] = FLO_FUSED(w3, x3[i], FLO_FUSED(w2, x2[i], b));
    }
}

static inline void one_by_four(int64_t B, const flo_real *w, const flo_real *x,
                               int64_t x_row, flo_real *restrict y)
{
    const flo_real *const x0 = x, *const x1 = x0 + x_row, *const x2 = x1 + x_row,
                          *const x3 = x2 + x_row;
    const flo_real w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B; i++) {
        const flo_real a = FLO_FUSED(w1, x1[i], FLO_FUSED(w0, x0[i], y[i]));
        y[i] = FLO_FUSED(w3, x3[i], FLO_FUSED(w2, x2[i], a));
    }
}

static inline void one_by_one(int64_t B, flo_real w, const flo_real *x,
                              flo_real *restrict y)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < B; i++)
        y[i] = FLO_FUSED(w, x[i], y[i]);
}

/* One or two rows of y by all of x. */
static void add_rows(int64_t rows, int64_t B, int64_t k, const flo_real *w,
                     int64_t w_row, const flo_real *x, int64_t x_row, flo_real *y)
{
    int64_t j = 0;
    for (; j + 4 <= k; j += 4) {
        if (rows == 2)
            two_by_four(B, w + j, w + w_row + j, x + j * x_row, x_row, y, y + x_row);
        else
            one_by_four(B, w + j, x + j * x_row, x_row, y);
    }
    for (; j < k; j++)
        for (int64_t r = 0; r < rows; r++)
            one_by_one(B, w[r * w_row + j], x + j * x_row, y + r * x_row);
}

void flo_thin_product(int64_t n, int64_t B, int64_t k, const flo_real *w, int64_t w_row,
                      const flo_real *x, flo_real *y)
{
    double began;
    flo_tally *const tally = flo_tally_begin(&began);
    for (int64_t i = 0; i < B; i += STRETCH)
        for (int64_t r = 0; r < n; r += 2)
            add_rows(n - r < 2 ? 1 : 2, B - i < STRETCH ? B - i : STRETCH, k,
                     w + r * w_row, w_row, x + i, B, y + r * B + i);
    if (tally)
        flo_tally_end(tally, began, (double)n * (double)B * (double)k, NULL);
}
