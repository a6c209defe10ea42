/* The innermost sums of all products: a tile of the result, held in vector registers.

   Written with the compilers' vector types. A row of the tile takes one broadcast and
   two fused multiply-adds a term; twelve rows by two vectors of 64 bytes reach the
   machine's peak from the first cache. */
#include "linalg/tile.h"

#include "linalg/tile_call.h"
#include "linalg/transpose.h"

#include <string.h>

/* All but the operands are constants where it is inlined. Three pointers, five rows
   each, keep the addresses of a left operand by rows in few registers. */
FLO_SIMD_INLINE void multiply(const int rows, const int vectors, const bool transposed,
                              int64_t inner, const flo_real *a, int64_t step,
                              const flo_real *b, int64_t b_row, bool add, flo_real *c,
                              int64_t c_row)
{
    flo_simd sum[FLO_TILE_HEIGHT][2];
    FLO_SIMD_UNROLLED
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            sum[i][v] =
                add ? flo_simd_load(c + i * c_row + v * FLO_SIMD) : (flo_simd){0};
    const flo_real *a0 = a, *a1 = a + 5 * step, *a2 = a + 10 * step;
    for (int64_t p = 0; p < inner; p++) {
        const flo_simd b0 = flo_simd_load(b),
                       b1 = vectors > 1 ? flo_simd_load(b + FLO_SIMD) : b0;
        FLO_SIMD_UNROLLED
        for (int i = 0; i < rows; i++) {
            const flo_real *const row = i < 5 ? a0 : i < 10 ? a1 : a2;
            const flo_real w = transposed ? a0[i] : row[i % 5 * step];
            sum[i][0] += w * b0;
            if (vectors > 1)
                sum[i][1] += w * b1;
        }
        b += b_row;
        a0 += transposed ? step : 1;
        a1++;
        a2++;
    }
    FLO_SIMD_UNROLLED
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            flo_simd_store(c + i * c_row + v * FLO_SIMD, sum[i][v]);
}

static void multiply_vectors(int64_t rows, int64_t vectors, int64_t inner,
                             flo_tile_left a, const flo_real *b, int64_t b_row,
                             bool add, flo_real *c, int64_t c_row)
{
    FLO_TILE_CALL(multiply, rows, vectors, a.transposed, inner, a.at, a.step, b, b_row,
                  add, c, c_row);
}

void flo_tile_product(int64_t rows, int64_t columns, int64_t inner, flo_tile_left a,
                      const flo_real *b, int64_t b_row, bool add, flo_real *c,
                      int64_t c_row)
{
    const int64_t vectors = columns > FLO_SIMD ? 2 : 1;
    if (columns == vectors * FLO_SIMD) {
        multiply_vectors(rows, vectors, inner, a, b, b_row, add, c, c_row);
        return;
    }
    _Alignas(FLO_SIMD_BYTES) flo_real tile[FLO_TILE_HEIGHT * FLO_TILE_WIDTH];
    memset(tile, 0, sizeof tile);
    for (int64_t i = 0; add && i < rows; i++)
        memcpy(tile + i * FLO_TILE_WIDTH, c + i * c_row, (size_t)columns * sizeof *c);
    multiply_vectors(rows, vectors, inner, a, b, b_row, true, tile, FLO_TILE_WIDTH);
    for (int64_t i = 0; i < rows; i++)
        memcpy(c + i * c_row, tile + i * FLO_TILE_WIDTH, (size_t)columns * sizeof *c);
}

void flo_tile_pack(int64_t inner, int64_t columns, const flo_real *from,
                   int64_t from_row, flo_real *to)
{
    if (columns == FLO_TILE_WIDTH) {
        for (int64_t p = 0; p < inner; p++)
            for (int v = 0; v < FLO_TILE_WIDTH; v += FLO_SIMD)
                flo_simd_store(to + p * FLO_TILE_WIDTH + v,
                               flo_simd_load(from + p * from_row + v));
        return;
    }
    for (int64_t p = 0; p < inner; p++) {
        flo_real *const row = to + p * FLO_TILE_WIDTH;
        memset(row, 0, FLO_TILE_WIDTH * sizeof *row);
        memcpy(row, from + p * from_row, (size_t)columns * sizeof *row);
    }
}

void flo_tile_pack_transposed(int64_t inner, int64_t columns, const flo_real *from,
                              int64_t from_row, flo_real *to)
{
    if (columns < FLO_TILE_WIDTH)
        memset(to, 0, (size_t)(inner * FLO_TILE_WIDTH) * sizeof *to);
    flo_transpose(columns, inner, from, from_row, to, FLO_TILE_WIDTH);
}
