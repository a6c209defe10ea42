/* Tiles of products of bfloat16. */
#include "linalg/bf16_tile.h"

#include "core/integers.h"
#include "linalg/bf16_vector.h"
#include "linalg/tile_call.h"
#include "linalg/transpose.h"

#include <string.h>

enum { V = FLO_BF16_VECTOR };

#ifdef FLO_BF16_MACHINE

static inline __m512bh load(const flo_bf16_pair *from)
{
    return (__m512bh)_mm512_loadu_si512(from);
}

/* All but the operands are constants where it is inlined. Three pointers, five rows
   each, keep the addresses of a left operand by rows in few registers. */
FLO_SIMD_INLINE void multiply(const int rows, const int vectors, const bool transposed,
                              int64_t pairs, const flo_bf16 *a, int64_t step,
                              const flo_bf16_pair *b, bool add, flo_real *c,
                              int64_t c_row)
{
    __m512 sum[FLO_TILE_HEIGHT][2];
    FLO_SIMD_UNROLLED
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            sum[i][v] =
                add ? _mm512_loadu_ps(c + i * c_row + v * V) : _mm512_setzero_ps();
    const flo_bf16 *a0 = a, *a1 = a + 5 * step, *a2 = a + 10 * step;
    for (int64_t p = 0; p < pairs; p++) {
        const __m512bh b0 = load(b), b1 = vectors > 1 ? load(b + V) : b0;
        FLO_SIMD_UNROLLED
        for (int i = 0; i < rows; i++) {
            const flo_bf16 *const row = i < 5 ? a0 : i < 10 ? a1 : a2;
            const flo_bf16 *const at = transposed ? a0 + 2 * i : row + i % 5 * step;
            const __m512bh w =
                (__m512bh)_mm512_set1_epi32((int)*(const flo_bf16_pair *)at);
            sum[i][0] = _mm512_dpbf16_ps(sum[i][0], w, b0);
            if (vectors > 1)
                sum[i][1] = _mm512_dpbf16_ps(sum[i][1], w, b1);
        }
        b += FLO_BF16_WIDTH;
        a0 += transposed ? 2 * step : 2;
        a1 += 2;
        a2 += 2;
    }
    FLO_SIMD_UNROLLED
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_ps(c + i * c_row + v * V, sum[i][v]);
}

static void multiply_vectors(int64_t rows, int64_t vectors, int64_t pairs,
                             flo_bf16_left a, const flo_bf16_pair *b, bool add,
                             flo_real *c, int64_t c_row)
{
    FLO_TILE_CALL(multiply, rows, vectors, a.transposed, pairs, a.at, a.step, b, add, c,
                  c_row);
}

#else

static float number(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float first(flo_bf16_pair pair)
{
    return number(pair << 16);
}

static float second(flo_bf16_pair pair)
{
    return number(pair & 0xffff0000);
}

static void multiply_vectors(int64_t rows, int64_t vectors, int64_t pairs,
                             flo_bf16_left a, const flo_bf16_pair *b, bool add,
                             flo_real *c, int64_t c_row)
{
    for (int64_t i = 0; i < rows; i++) {
        if (!add)
            memset(c + i * c_row, 0, (size_t)(vectors * V) * sizeof *c);
        for (int64_t p = 0; p < pairs; p++) {
            const flo_bf16_pair w =
                *(const flo_bf16_pair *)(a.at + (a.transposed ? 2 * (i + p * a.step)
                                                              : i * a.step + 2 * p));
            for (int64_t j = 0; j < vectors * V; j++) {
                const flo_bf16_pair x = b[p * FLO_BF16_WIDTH + j];
                c[i * c_row + j] += first(w) * first(x);
                c[i * c_row + j] += second(w) * second(x);
            }
        }
    }
}

#endif

void flo_bf16_tile_product(int64_t rows, int64_t columns, int64_t pairs,
                           flo_bf16_left a, const flo_bf16_pair *b, bool add,
                           flo_real *c, int64_t c_row)
{
    int64_t j = 0;
    for (; j + 2 * V <= columns; j += 2 * V)
        multiply_vectors(rows, 2, pairs, a, b + j, add, c + j, c_row);
    if (j == columns)
        return;
    _Alignas(FLO_SIMD_BYTES) flo_real edge[FLO_TILE_HEIGHT * 2 * V];
    const size_t bytes = (size_t)(columns - j) * sizeof *c;
    memset(edge, 0, sizeof edge);
    for (int64_t i = 0; add && i < rows; i++)
        memcpy(edge + i * 2 * V, c + i * c_row + j, bytes);
    multiply_vectors(rows, columns - j > V ? 2 : 1, pairs, a, b + j, true, edge, 2 * V);
    for (int64_t i = 0; i < rows; i++)
        memcpy(c + i * c_row + j, edge + i * 2 * V, bytes);
}

/* Of an odd number of terms the last pair's second is zero. */
static const flo_real no_numbers[FLO_BF16_WIDTH];
static const flo_bf16 none_rounded[FLO_BF16_LEFT];

void flo_bf16_tile_pack(int64_t inner, int64_t columns, const flo_real *from,
                        int64_t from_row, flo_bf16_pair *to)
{
    for (int64_t p = 0; p < inner; p += 2, to += FLO_BF16_WIDTH) {
        const flo_real *const first = from + p * from_row;
        const flo_real *const second = p + 1 < inner ? first + from_row : no_numbers;
        for (int64_t j = 0; j < columns; j += V)
            flo_bf16_pair_vector(columns - j, first + j, second + j, to + j);
    }
}

void flo_bf16_tile_pack_left(int64_t inner, int64_t rows, const flo_bf16 *from,
                             int64_t from_row, flo_bf16_pair *to)
{
    for (int64_t p = 0; p < inner; p += 2, to += FLO_BF16_LEFT) {
        const flo_bf16 *const first = from + p * from_row;
        const flo_bf16 *const second = p + 1 < inner ? first + from_row : none_rounded;
        for (int64_t i = 0; i < rows; i += V)
            flo_bf16_pair_rounded(rows - i, first + i, second + i, to + i);
    }
}

/* to [V, V] of pairs, rows of FLO_BF16_WIDTH: the transpose of `from`. */
static void transpose_square(const uint32_t *from, flo_bf16_pair *to)
{
#ifdef FLO_BF16_MACHINE
    flo_transpose(V, V, (const flo_real *)from, V, (flo_real *)to, FLO_BF16_WIDTH);
#else
    for (int i = 0; i < V; i++)
        for (int k = 0; k < V; k++)
            to[k * FLO_BF16_WIDTH + i] = ((const flo_bf16_pair *)from)[i * V + k];
#endif
}

/* By squares of V columns and V pairs. */
void flo_bf16_tile_pack_transposed(int64_t inner, int64_t columns, const flo_real *from,
                                   int64_t from_row, flo_bf16_pair *to)
{
    _Alignas(FLO_SIMD_BYTES) uint32_t square[V * V], turned[V * FLO_BF16_WIDTH];
    for (int64_t j = 0; j < columns; j += V) {
        const int64_t rows = flo_lesser(V, columns - j);
        memset(square + rows * V, 0, (size_t)((V - rows) * V) * sizeof *square);
        for (int64_t p = 0; p < inner; p += 2 * V) {
            const int64_t n = flo_lesser(2 * V, inner - p);
            for (int64_t i = 0; i < rows; i++)
                flo_bf16_round_vector(n, from + (j + i) * from_row + p,
                                      (flo_bf16 *)(square + i * V));
            flo_bf16_pair *const at = to + p / 2 * FLO_BF16_WIDTH + j;
            if (n > 2 * V - 2) {
                transpose_square(square, at);
                continue;
            }
            transpose_square(square, turned);
            for (int64_t k = 0; k < (n + 1) / 2; k++)
                memcpy(at + k * FLO_BF16_WIDTH, turned + k * FLO_BF16_WIDTH,
                       V * sizeof *at);
        }
    }
}
