/* Inside src/hdf5: one thread at a time in HDF5, its printed errors turned into our
   messages, and files opened for reading. */
#ifndef FLO_HDF5_LIBRARY_H
#define FLO_HDF5_LIBRARY_H

#include "core/context.h"

#include <hdf5.h>
#include <stdbool.h>

/* One use of HDF5: its automatic error printing of this thread, as it was. */
typedef struct flo_hdf5_use {
    H5E_auto2_t print;
    void *data;
    const char *file; /* of the use around this one */
} flo_hdf5_use;

/* Around every use of HDF5, by any thread: begin waits until no other thread is inside
   (many builds of HDF5 are not thread-safe) and silences the printing; end puts it back
   and lets the next in. Uses may nest in one thread. Local. */
flo_hdf5_use flo_hdf5_begin(void);
void flo_hdf5_end(flo_hdf5_use use);

/* A use that reads a file which may be damaged: its name (borrowed until the end) is
   for the message of cli/crash.h. */
flo_hdf5_use flo_hdf5_begin_file(const char *file);

/* Why the last HDF5 call failed, as text [bytes]: the innermost reason. Must be the
   very next HDF5 call. Returns text. Local. */
const char *flo_hdf5_reason(char *text, size_t bytes);

/* The access list for reading: no file locks, for there are many readers, and file
   systems without locks. The caller closes it. Local. */
hid_t flo_hdf5_access(void);

/* Opens an HDF5 file read-only without file locks: the HDF5 handle, and a descriptor
   for reads of our own; both are -1 after a failure. Local. FLO_ERROR_FILE: missing,
   not HDF5, truncated, being written by another program (HDF5_USE_FILE_LOCKING=FALSE
   skips that). */
FLO_MUST_USE flo_status flo_hdf5_open(flo_context *context, const char *file,
                                      int *descriptor, hid_t *id);

/* Whether another program has a file open for writing: HDF5 then holds an exclusive
   flock on it. False under HDF5_USE_FILE_LOCKING=FALSE. Local. */
bool flo_hdf5_is_busy(const char *file);

/* The numeric data sets of an open file with type and shape, as text [bytes] for a
   message. Local. */
void flo_hdf5_list(hid_t file, char *text, size_t bytes);

#endif
