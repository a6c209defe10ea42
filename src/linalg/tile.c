/* The innermost sums of all products: a tile of the result, held in vector registers.

   Written with the compilers' vector types. A row of the tile takes one broadcast and
   two fused multiply-adds a term; twelve rows by two vectors of 64 bytes reach the
   machine's peak from the first cache. */
#include "linalg/tile.h"

#include <string.h>

typedef flo_real vector __attribute__((vector_size(FLO_VECTOR_BYTES)));
typedef flo_real unaligned __attribute__((vector_size(FLO_VECTOR_BYTES),
                                          aligned(sizeof(flo_real)), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 16")

INLINE vector load(const flo_real *from)
{
    return *(const unaligned *)from;
}

INLINE void store(flo_real *to, vector v)
{
    *(unaligned *)to = v;
}

/* All but the operands are constants where it is inlined. Three pointers, five rows
   each, keep the addresses of a left operand by rows in few registers. */
INLINE void add(const int rows, const int vectors, const bool transposed, int64_t inner,
                const flo_real *a, int64_t step, const flo_real *b, int64_t b_row,
                flo_real *c, int64_t c_row)
{
    vector sum[FLO_TILE_HEIGHT][2];
    UNROLLED
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            sum[i][v] = load(c + i * c_row + v * FLO_VECTOR);
    const flo_real *a0 = a, *a1 = a + 5 * step, *a2 = a + 10 * step;
    for (int64_t p = 0; p < inner; p++) {
        const vector b0 = load(b), b1 = vectors > 1 ? load(b + FLO_VECTOR) : b0;
        UNROLLED
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
    UNROLLED
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            store(c + i * c_row + v * FLO_VECTOR, sum[i][v]);
}

#define ROWS(N)                                                                        \
    case N:                                                                            \
        add(N, vectors, transposed, inner, a, step, b, b_row, c, c_row);               \
        break;

INLINE void add_rows(int64_t rows, const int vectors, const bool transposed,
                     int64_t inner, const flo_real *a, int64_t step, const flo_real *b,
                     int64_t b_row, flo_real *c, int64_t c_row)
{
    switch (rows) {
        ROWS(1)
        ROWS(2)
        ROWS(3)
        ROWS(4)
        ROWS(5)
        ROWS(6)
#if FLO_TILE_HEIGHT > 6
        ROWS(7)
        ROWS(8)
        ROWS(9)
        ROWS(10)
        ROWS(11)
        ROWS(12)
#endif
    }
}

static void add_vectors(int64_t rows, int64_t vectors, int64_t inner, flo_tile_left a,
                        const flo_real *b, int64_t b_row, flo_real *c, int64_t c_row)
{
    if (vectors > 1) {
        if (a.transposed)
            add_rows(rows, 2, true, inner, a.at, a.step, b, b_row, c, c_row);
        else
            add_rows(rows, 2, false, inner, a.at, a.step, b, b_row, c, c_row);
    } else {
        if (a.transposed)
            add_rows(rows, 1, true, inner, a.at, a.step, b, b_row, c, c_row);
        else
            add_rows(rows, 1, false, inner, a.at, a.step, b, b_row, c, c_row);
    }
}

void flo_tile_add(int64_t rows, int64_t columns, int64_t inner, flo_tile_left a,
                  const flo_real *b, int64_t b_row, flo_real *c, int64_t c_row)
{
    const int64_t vectors = columns > FLO_VECTOR ? 2 : 1;
    if (columns == vectors * FLO_VECTOR) {
        add_vectors(rows, vectors, inner, a, b, b_row, c, c_row);
        return;
    }
    _Alignas(FLO_VECTOR_BYTES) flo_real tile[FLO_TILE_HEIGHT * FLO_TILE_WIDTH];
    memset(tile, 0, sizeof tile);
    for (int64_t i = 0; i < rows; i++)
        memcpy(tile + i * FLO_TILE_WIDTH, c + i * c_row, (size_t)columns * sizeof *c);
    add_vectors(rows, vectors, inner, a, b, b_row, tile, FLO_TILE_WIDTH);
    for (int64_t i = 0; i < rows; i++)
        memcpy(c + i * c_row, tile + i * FLO_TILE_WIDTH, (size_t)columns * sizeof *c);
}

void flo_tile_pack(int64_t inner, int64_t columns, const flo_real *from,
                   int64_t from_row, flo_real *to)
{
    if (columns == FLO_TILE_WIDTH) {
        for (int64_t p = 0; p < inner; p++)
            for (int v = 0; v < FLO_TILE_WIDTH; v += FLO_VECTOR)
                store(to + p * FLO_TILE_WIDTH + v, load(from + p * from_row + v));
        return;
    }
    for (int64_t p = 0; p < inner; p++) {
        flo_real *const row = to + p * FLO_TILE_WIDTH;
        memset(row, 0, FLO_TILE_WIDTH * sizeof *row);
        memcpy(row, from + p * from_row, (size_t)columns * sizeof *row);
    }
}

/* The two halves of the pairs of x and y, x_0 y_0 x_1 y_1 ..: done as often as halving
   a vector takes, they transpose. */
#if FLO_VECTOR_BYTES == 64 && !defined(FLOTILLA_DOUBLE)
#define PAIRS_LOW(x, y)                                                                \
    __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,  \
                            23)
#define PAIRS_HIGH(x, y)                                                               \
    __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14,    \
                            30, 15, 31)
#elif FLO_VECTOR_BYTES == 64 || (FLO_VECTOR_BYTES == 32 && !defined(FLOTILLA_DOUBLE))
#define PAIRS_LOW(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define PAIRS_HIGH(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#elif FLO_VECTOR_BYTES == 32 || !defined(FLOTILLA_DOUBLE)
#define PAIRS_LOW(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define PAIRS_HIGH(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#else
#define PAIRS_LOW(x, y) __builtin_shufflevector(x, y, 0, 2)
#define PAIRS_HIGH(x, y) __builtin_shufflevector(x, y, 1, 3)
#endif

/* to [FLO_VECTOR, FLO_VECTOR] of the transpose of `from`. */
INLINE void transpose_square(const flo_real *from, int64_t from_row, flo_real *to,
                             int64_t to_row)
{
    vector x[FLO_VECTOR], y[FLO_VECTOR];
    UNROLLED
    for (int i = 0; i < FLO_VECTOR; i++)
        x[i] = load(from + i * from_row);
    UNROLLED
    for (int width = FLO_VECTOR; width > 1; width /= 2) {
        UNROLLED
        for (int i = 0; i < FLO_VECTOR / 2; i++) {
            y[2 * i] = PAIRS_LOW(x[i], x[i + FLO_VECTOR / 2]);
            y[2 * i + 1] = PAIRS_HIGH(x[i], x[i + FLO_VECTOR / 2]);
        }
        UNROLLED
        for (int i = 0; i < FLO_VECTOR; i++)
            x[i] = y[i];
    }
    UNROLLED
    for (int i = 0; i < FLO_VECTOR; i++)
        store(to + i * to_row, x[i]);
}

static void transpose_squares(int64_t rows, int64_t columns, const flo_real *from,
                              int64_t from_row, flo_real *to, int64_t to_row)
{
    for (int64_t i = 0; i < rows; i += FLO_VECTOR)
        for (int64_t j = 0; j < columns; j += FLO_VECTOR)
            transpose_square(from + i * from_row + j, from_row, to + j * to_row + i,
                             to_row);
}

void flo_transpose(int64_t rows, int64_t columns, const flo_real *from,
                   int64_t from_row, flo_real *to, int64_t to_row)
{
    const int64_t whole_rows = rows - rows % FLO_VECTOR;
    const int64_t whole_columns = columns - columns % FLO_VECTOR;
    transpose_squares(whole_rows, whole_columns, from, from_row, to, to_row);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
            to[j * to_row + i] = from[i * from_row + j];
}

void flo_tile_pack_transposed(int64_t inner, int64_t columns, const flo_real *from,
                              int64_t from_row, flo_real *to)
{
    if (columns < FLO_TILE_WIDTH)
        memset(to, 0, (size_t)(inner * FLO_TILE_WIDTH) * sizeof *to);
    flo_transpose(columns, inner, from, from_row, to, FLO_TILE_WIDTH);
}
