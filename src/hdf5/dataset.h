/* One numeric data set of an HDF5 file, opened to be read by rows. */
#ifndef FLO_HDF5_DATASET_H
#define FLO_HDF5_DATASET_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_dataset flo_dataset;

/* What a data set is and how it will be read. */
typedef struct flo_dataset_info {
    int64_t rows, columns; /* [N, D]; a data set [N] has one column, [N, H, W] H * W */
    int rank;              /* of the array as stored */
    int64_t shape[8];
    char type[32];      /* as numpy names it: float32, uint8, >f8 */
    char layout[64];    /* "contiguous", "chunked 4096 x 63, deflate" */
    int64_t chunk_rows; /* 0 when contiguous */
    int64_t stored_bytes;
    bool direct; /* read by pread at a checked offset; else by H5Dread */
} flo_dataset_info;

/* Opens data set `name` of `file` read-only, file locking off. The data set must be
   numeric (floating point or integer of any size and byte order) and of rank 1 or more.
   Local. FLO_ERROR_FILE (missing, not HDF5, truncated), FLO_ERROR_DATA (no such data
   set, naming those there are; not numeric; zero rows is allowed here). */
FLO_MUST_USE flo_status flo_dataset_open(flo_context *context, const char *file,
                                         const char *name, flo_dataset **dataset);
void flo_dataset_close(flo_dataset **dataset);

const flo_dataset_info *flo_dataset_describe(const flo_dataset *dataset);

/* Reads rows [first, first + count) as flo_real: out [count, D], where a row starts
   every `stride` elements (stride >= D). Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_dataset_read(flo_dataset *dataset, int64_t first,
                                         int64_t count, int64_t stride, flo_real *out);

/* Most memory that it holds: chunk caches and staging, in bytes. */
int64_t flo_dataset_bytes(const flo_dataset *dataset);

/* Whether `file` is HDF5 and holds an object of this path. Local. */
bool flo_dataset_exists(const char *file, const char *name);

/* Calls visit(name, info, argument) for each numeric data set of a file, in the order
   of names. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_dataset_each(flo_context *context, const char *file,
                                         void (*visit)(const char *name,
                                                       const flo_dataset_info *info,
                                                       void *argument),
                                         void *argument);

#endif
