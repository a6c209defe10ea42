/* Tiles of products whose operands are rounded to bfloat16; sums in float.

   An element is c + a_0 b_0 + a_1 b_1 + .., the two terms of a pair in the machine's
   order and precision: a function of the operands alone, as in tile.h, if a long sum is
   cut at even terms only. Without the machine's instruction scalars compute the same
   up to rounding, slowly. */
#ifndef FLO_LINALG_BF16_TILE_H
#define FLO_LINALG_BF16_TILE_H

#include "linalg/bf16.h"
#include "linalg/tile.h"

enum {
    FLO_BF16_WIDTH = 4 * FLO_BF16_VECTOR, /* columns of a packed right operand */
    FLO_BF16_LEFT = 3 * FLO_BF16_VECTOR,  /* rows of a packed left one, transposed */
};

/* The left operand [rows, inner]: a(i, p) = at[i * step + p], or, in pairs and
   `transposed`, a(i, 2q) and a(i, 2q + 1) = at[2 (i + q * step)] and the number after
   it. */
typedef struct flo_bf16_left {
    const flo_bf16 *at;
    int64_t step;
    bool transposed;
} flo_bf16_left;

/* c [rows, columns] = a b, plus c itself where `add`, for `pairs` of terms and b
   packed. rows <= FLO_TILE_HEIGHT, columns <= FLO_BF16_WIDTH. Of c no more is touched
   than [rows, columns]. Pure. Local.
 */
void flo_bf16_tile_product(int64_t rows, int64_t columns, int64_t pairs,
                           flo_bf16_left a, const flo_bf16_pair *b, bool add,
                           flo_real *c, int64_t c_row);

/* to [half of inner, rounded up; FLO_BF16_WIDTH] of from [inner, columns] with rows of
   from_row reals, or, of from [columns, inner], its transpose; zeros fill up the last
   pair and a row's last vector. Pure. Local. */
void flo_bf16_tile_pack(int64_t inner, int64_t columns, const flo_real *from,
                        int64_t from_row, flo_bf16_pair *to);
void flo_bf16_tile_pack_transposed(int64_t inner, int64_t columns, const flo_real *from,
                                   int64_t from_row, flo_bf16_pair *to);

/* A transposed left operand, to [half of inner, rounded up; FLO_BF16_LEFT], of from
   [inner, rows <= FLO_BF16_LEFT] with rows of from_row numbers. Pure. Local. */
void flo_bf16_tile_pack_left(int64_t inner, int64_t rows, const flo_bf16 *from,
                             int64_t from_row, flo_bf16_pair *to);

#endif
