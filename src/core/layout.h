/* Named tensors laid end to end in one vector: parameters, constants. */
#ifndef FLO_CORE_LAYOUT_H
#define FLO_CORE_LAYOUT_H

#include "core/arena.h"

#include <stdbool.h>

/* Rows of their own lengths, one behind the other: of each row the first `seen` entries
   are parameters, the rest are zero and stay zero. */
typedef struct flo_ragged {
    int64_t rows;
    const int64_t *length, *seen; /* [rows] */
} flo_ragged;

/* A tensor [shape[0]] or [shape[0], shape[1]], row-major, at `offset` of the vector. */
typedef struct flo_tensor {
    const char *name; /* "hidden_0/weight" */
    int rank;         /* 1 or 2 */
    int64_t shape[2];
    int64_t offset, count;
    bool decay;               /* a weight of a linear map: AdamW's decay applies, and
                                 fresh passes overwrite its gradient (core/pass.h) */
    const flo_ragged *ragged; /* of a packed tensor [shape[0]], else NULL */
} flo_tensor;

typedef struct flo_layout {
    flo_arena *arena; /* borrowed: holds names and rows */
    int64_t size;     /* of the vector */
    int64_t count, capacity;
    flo_tensor *tensors; /* [count] */
} flo_layout;

void flo_layout_start(flo_layout *layout, flo_arena *arena);

/* Adds a tensor behind the last one; *offset says where it starts. name is printf's. A
   vector has shape [rows] and columns 0. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_layout_add(flo_layout *layout, int64_t rows,
                                       int64_t columns, bool decay, int64_t *offset,
                                       const char *name, ...)
    FLO_ATTRIBUTE(format(printf, 6, 7));

/* Says of the tensor just added which of its entries are parameters. Borrowed. Local.
 */
void flo_layout_set_ragged(flo_layout *layout, const flo_ragged *ragged);

/* Adds all tensors of `part` under "prefix/". Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_layout_append(flo_layout *layout, const char *prefix,
                                          const flo_layout *part, int64_t *offset);

#endif
