/* Transposes of matrices. */
#ifndef FLO_LINALG_TRANSPOSE_H
#define FLO_LINALG_TRANSPOSE_H

#include "flotilla/real.h"

#include <stdint.h>

/* to [columns, rows], rows of to_row reals, of from [rows, columns], rows of from_row.
   Pure. Local. */
void flo_transpose(int64_t rows, int64_t columns, const flo_real *from,
                   int64_t from_row, flo_real *to, int64_t to_row);

#endif
