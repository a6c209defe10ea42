/* One numeric array [N, C] in an HDF5 file, opened to be read by rows: a data set, the
   fields of a compound data set, or the data sets of a group. */
#ifndef FLO_HDF5_DATASET_H
#define FLO_HDF5_DATASET_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_dataset flo_dataset;

/* An object and its file as the system knows them: the same under every name. */
typedef struct flo_identity {
    uint64_t device, number; /* of the file; 0: not one plain file */
    uint64_t address;        /* of the object in it */
} flo_identity;

/* What a data set is and how it will be read. Of a group: its first data set, and after
   flo_dataset_choose the chosen ones together. */
typedef struct flo_dataset_info {
    int64_t rows, columns; /* [N, C]; a data set [N] has one column, [N, H, W] H * W */
    bool by_name;          /* a compound or a group: columns are known by name */
    bool is_group;
    int rank; /* of the array as stored */
    int64_t shape[8];
    char type[32];      /* as numpy names it: float32, uint8, >f8; compound */
    char layout[64];    /* "contiguous", "chunked 4096 x 63, deflate" */
    int64_t chunk_rows; /* 0 when contiguous */
    int64_t stored_bytes;
    bool direct; /* read by pread at a checked offset; else by H5Dread */
    flo_identity identity;
    bool again; /* of flo_dataset_each: seen under another name, too */
} flo_dataset_info;

/* Opens what `name` stands for in `file`, read-only, file locking off:
   - a data set of numbers (floating point or integer of any size and byte order) [N] or
     [N, H, ..], flattened to C columns;
   - a compound data set [N]: its fields that are numbers, or arrays of k numbers which
     are k columns name[0] ..;
   - a group: its data sets [N] or [N, 1], in the order of names. Their numbers of rows
     are compared by flo_dataset_choose.
   All columns are chosen, except of a group. Local. FLO_ERROR_FILE (missing, not HDF5,
   truncated, being written), FLO_ERROR_DATA (nothing of this name, naming what there
   is; not numeric; zero rows is allowed here). */
FLO_MUST_USE flo_status flo_dataset_open(flo_context *context, const char *file,
                                         const char *name, flo_dataset **dataset);
void flo_dataset_close(flo_dataset **dataset);

const flo_dataset_info *flo_dataset_describe(const flo_dataset *dataset);

/* The name of column c: a field, a member of a group; of a plain data set the c-th of
   its attribute `columns` (C texts), or of the texts NAME_items beside a data set
   NAME_values (pandas). NULL: it has none. Borrowed. */
const char *flo_dataset_column_name(const flo_dataset *dataset, int64_t c);

/* Sets what flo_dataset_read gives from now on: columns column [count] (NULL: 0, 1,
   ..), in this order. Data sets of a group are opened by it, those chosen alone. Local.
   FLO_ERROR_MEMORY; of a group: FLO_ERROR_FILE, FLO_ERROR_DATA (other numbers of rows,
   a data set that cannot be read). */
FLO_MUST_USE flo_status flo_dataset_choose(flo_dataset *dataset, int64_t count,
                                           const int64_t *column);

/* Reads rows [first, first + count) as flo_real: out [count, chosen columns], where a
   row starts every `stride` elements. Not thread-safe for one object. Local.
   FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_dataset_read(flo_dataset *dataset, int64_t first,
                                         int64_t count, int64_t stride, flo_real *out);

/* Most memory that it holds: chunk caches and staging, in bytes. */
int64_t flo_dataset_bytes(const flo_dataset *dataset);

/* Whether `file` is HDF5 and holds an object of this path. Local. */
bool flo_dataset_exists(const char *file, const char *name);

/* Calls visit(name, info, argument) for each data set of a file that is numeric or has
   numeric fields, in the order of names; then for those that soft and external links of
   it lead to. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_dataset_each(flo_context *context, const char *file,
                                         void (*visit)(const char *name,
                                                       const flo_dataset_info *info,
                                                       void *argument),
                                         void *argument);

#endif
