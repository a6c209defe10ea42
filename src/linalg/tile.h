/* The innermost sums of all products: a tile of the result, held in vector registers.

   An element is c + a_0 b_0 + a_1 b_1 + .., one fused multiply-add after the other in
   this order, whatever the width of the machine's vectors, the place in the tile and
   the cut of a long sum into several calls. So a product's bits depend on its operands
   alone. (Without fused multiply-add in the hardware it is a product and a sum, each
   rounded.) */
#ifndef FLO_LINALG_TILE_H
#define FLO_LINALG_TILE_H

#include "linalg/simd.h"

#include <stdbool.h>
#include <stdint.h>

/* Rows of a tile of two vectors: as many sums as the registers hold beside the
   operands. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define FLO_TILE_HEIGHT 12
#else
#define FLO_TILE_HEIGHT 6
#endif

enum { FLO_TILE_WIDTH = 2 * FLO_SIMD };

/* The left operand [rows, inner]: a(i, p) = at[i * step + p], or at[i + p * step] where
   `transposed`. */
typedef struct flo_tile_left {
    const flo_real *at;
    int64_t step;
    bool transposed;
} flo_tile_left;

/* c [rows, columns] = a b, plus c itself where `add`. rows <= FLO_TILE_HEIGHT, columns
   <= FLO_TILE_WIDTH; b [inner, ..] with rows of b_row reals can be read to the end of
   the vector, or of both, that `columns` reaches into; of c no more is touched than
   [rows, columns]. Pure. Local. */
void flo_tile_product(int64_t rows, int64_t columns, int64_t inner, flo_tile_left a,
                      const flo_real *b, int64_t b_row, bool add, flo_real *c,
                      int64_t c_row);

/* to [inner, FLO_TILE_WIDTH] of from [inner, columns] with rows of from_row reals, or,
   of from [columns, inner], its transpose; zeros fill up a row's last vector. `to` is
   aligned to FLO_SIMD_BYTES. Pure. Local. */
void flo_tile_pack(int64_t inner, int64_t columns, const flo_real *from,
                   int64_t from_row, flo_real *to);
void flo_tile_pack_transposed(int64_t inner, int64_t columns, const flo_real *from,
                              int64_t from_row, flo_real *to);

#endif
