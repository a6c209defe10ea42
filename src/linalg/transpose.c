/* Transposes of matrices, by squares of vectors. */
#include "linalg/transpose.h"

#include "linalg/simd.h"

/* The two halves of the pairs of x and y, x_0 y_0 x_1 y_1 ..: done as often as halving
   a vector takes, they transpose. */
#if FLO_SIMD_BYTES == 64 && !defined(FLOTILLA_DOUBLE)
#define PAIRS_LOW(x, y)                                                                \
    __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,  \
                            23)
#define PAIRS_HIGH(x, y)                                                               \
    __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14,    \
                            30, 15, 31)
#elif FLO_SIMD_BYTES == 64 || (FLO_SIMD_BYTES == 32 && !defined(FLOTILLA_DOUBLE))
#define PAIRS_LOW(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define PAIRS_HIGH(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#elif FLO_SIMD_BYTES == 32 || !defined(FLOTILLA_DOUBLE)
#define PAIRS_LOW(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define PAIRS_HIGH(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#else
#define PAIRS_LOW(x, y) __builtin_shufflevector(x, y, 0, 2)
#define PAIRS_HIGH(x, y) __builtin_shufflevector(x, y, 1, 3)
#endif

/* to [FLO_SIMD, FLO_SIMD] of the transpose of `from`. */
FLO_SIMD_INLINE void transpose_square(const flo_real *from, int64_t from_row,
                                      flo_real *to, int64_t to_row)
{
    flo_simd x[FLO_SIMD], y[FLO_SIMD];
    FLO_SIMD_UNROLLED
    for (int i = 0; i < FLO_SIMD; i++)
        x[i] = flo_simd_load(from + i * from_row);
    FLO_SIMD_UNROLLED
    for (int width = FLO_SIMD; width > 1; width /= 2) {
        FLO_SIMD_UNROLLED
        for (int i = 0; i < FLO_SIMD / 2; i++) {
            y[2 * i] = PAIRS_LOW(x[i], x[i + FLO_SIMD / 2]);
            y[2 * i + 1] = PAIRS_HIGH(x[i], x[i + FLO_SIMD / 2]);
        }
        FLO_SIMD_UNROLLED
        for (int i = 0; i < FLO_SIMD; i++)
            x[i] = y[i];
    }
    FLO_SIMD_UNROLLED
    for (int i = 0; i < FLO_SIMD; i++)
        flo_simd_store(to + i * to_row, x[i]);
}

static void transpose_squares(int64_t rows, int64_t columns, const flo_real *from,
                              int64_t from_row, flo_real *to, int64_t to_row)
{
    for (int64_t i = 0; i < rows; i += FLO_SIMD)
        for (int64_t j = 0; j < columns; j += FLO_SIMD)
            transpose_square(from + i * from_row + j, from_row, to + j * to_row + i,
                             to_row);
}

void flo_transpose(int64_t rows, int64_t columns, const flo_real *from,
                   int64_t from_row, flo_real *to, int64_t to_row)
{
    const int64_t whole_rows = rows - rows % FLO_SIMD;
    const int64_t whole_columns = columns - columns % FLO_SIMD;
    transpose_squares(whole_rows, whole_columns, from, from_row, to, to_row);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
            to[j * to_row + i] = from[i * from_row + j];
}
