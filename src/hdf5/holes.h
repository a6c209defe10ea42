/* Inside src/hdf5: chunks that were never written, which HDF5 reads as fill values. */
#ifndef FLO_HDF5_HOLES_H
#define FLO_HDF5_HOLES_H

#include "core/arena.h"
#include "hdf5/dataset.h"

#include <hdf5.h>

typedef struct flo_holes {
    int64_t rows; /* in which something is missing */
    int64_t chunk_rows, across;
    bool *absent;   /* [chunks down, across] */
    int64_t *chunk; /* [columns]: the one across that holds a column */
} flo_holes;

/* Looks at every chunk of a data set that lacks some: *holes. NULL where it lacks none,
   is not chunked, has none at all, or is not as it counts its chunks. Takes from the
   arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_holes_find(flo_arena *arena, hid_t dataset,
                                       const flo_dataset_info *info, flo_holes **holes);

/* Columns [column, column + count) of rows [first, first + rows) become NaN where they
   lie in a hole: in out, or where that is NULL in wide; [rows, count], rows `stride`
   elements apart. */
void flo_holes_apply(const flo_holes *holes, int64_t first, int64_t rows,
                     int64_t column, int64_t count, int64_t stride, flo_real *out,
                     double *wide);

#endif
