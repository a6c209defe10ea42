/* The call of a tile's inner loops with constants: each shape of a tile is compiled for
   itself, so that its sums are registers. */
#ifndef FLO_LINALG_TILE_CALL_H
#define FLO_LINALG_TILE_CALL_H

#include "linalg/tile.h"

#define FLO_TILE_CASE(N, multiply, ...)                                                \
    case N:                                                                            \
        multiply(N, __VA_ARGS__);                                                      \
        break;

#if FLO_TILE_HEIGHT > 6
#define FLO_TILE_HIGHER(...)                                                           \
    FLO_TILE_CASE(7, __VA_ARGS__)                                                      \
    FLO_TILE_CASE(8, __VA_ARGS__)                                                      \
    FLO_TILE_CASE(9, __VA_ARGS__)                                                      \
    FLO_TILE_CASE(10, __VA_ARGS__)                                                     \
    FLO_TILE_CASE(11, __VA_ARGS__)                                                     \
    FLO_TILE_CASE(12, __VA_ARGS__)
#else
#define FLO_TILE_HIGHER(...)
#endif

#define FLO_TILE_ROWS(rows, ...)                                                       \
    switch (rows) {                                                                    \
        FLO_TILE_CASE(1, __VA_ARGS__)                                                  \
        FLO_TILE_CASE(2, __VA_ARGS__)                                                  \
        FLO_TILE_CASE(3, __VA_ARGS__)                                                  \
        FLO_TILE_CASE(4, __VA_ARGS__)                                                  \
        FLO_TILE_CASE(5, __VA_ARGS__)                                                  \
        FLO_TILE_CASE(6, __VA_ARGS__)                                                  \
        FLO_TILE_HIGHER(__VA_ARGS__)                                                   \
    }

/* multiply(rows, vectors, transposed, ..), inlined: 1 to FLO_TILE_HEIGHT rows of one or
   two vectors. */
#define FLO_TILE_CALL(multiply, rows, vectors, transposed, ...)                        \
    do {                                                                               \
        if ((vectors) > 1 && (transposed))                                             \
            FLO_TILE_ROWS(rows, multiply, 2, true, __VA_ARGS__)                        \
        else if ((vectors) > 1)                                                        \
            FLO_TILE_ROWS(rows, multiply, 2, false, __VA_ARGS__)                       \
        else if (transposed)                                                           \
            FLO_TILE_ROWS(rows, multiply, 1, true, __VA_ARGS__)                        \
        else                                                                           \
            FLO_TILE_ROWS(rows, multiply, 1, false, __VA_ARGS__)                       \
    } while (0)

#endif
