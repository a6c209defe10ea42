/* Inside src/hdf5: one HDF5 data set, read as records: pread where the bytes lie plain
   in the file, H5Dread elsewhere. */
#ifndef FLO_HDF5_STORED_H
#define FLO_HDF5_STORED_H

#include "hdf5/dataset.h"
#include "hdf5/holes.h"
#include "hdf5/record.h"

typedef struct flo_stored {
    flo_context *context;    /* borrowed */
    const char *file, *name; /* borrowed, for messages */
    flo_dataset_info info;
    flo_record record;
    flo_holes *holes;    /* NULL: every chunk was written */
    int descriptor;      /* of the file, borrowed */
    int64_t offset;      /* of row 0 in the file; when direct */
    hid_t id;            /* -1: closed, or direct */
    int64_t cache_bytes; /* of its chunk cache at most */
} flo_stored;

/* Opens data set `name` of an open file, which may be closed behind it. What it takes
   comes from the arena; the rest ends with flo_stored_close, also after a failure.
   Local. FLO_ERROR_DATA (not numeric, not there in full), FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_stored_open(flo_arena *arena, const char *file,
                                        int descriptor, hid_t file_id, const char *name,
                                        flo_stored *stored);
void flo_stored_close(flo_stored *stored);

/* Reads rows [first, first + count) as they are in memory: records [count]. Local.
   FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_stored_read(const flo_stored *stored, int64_t first,
                                        int64_t count, void *records);

#endif
