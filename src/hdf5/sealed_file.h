/* Files that prove themselves whole: an HDF5 image, then a trailer with length and
   checksum, put in place atomically. h5py and h5dump read them as plain HDF5.

   Trailer, 32 bytes, little-endian: magic "FLOSEAL1", image length (u64), XXH3-64 of
   the image (u64), XXH3-64 of the first 24 bytes of the trailer (u64). */
#ifndef FLO_HDF5_SEALED_FILE_H
#define FLO_HDF5_SEALED_FILE_H

#include "core/context.h"

enum { FLO_SEAL_BYTES = 32 };

/* Writes the 32 bytes of the trailer behind bytes [size] (flo_image_finish with spare
   FLO_SEAL_BYTES gives the room). Local. */
void flo_seal(void *bytes, size_t size);

/* Writes sealed bytes [size + FLO_SEAL_BYTES] durably to `path`: beside it under
   PATH.tmp.HOST.PID, fsync, rename over `path`, fsync of the directory. After a failure
   the old file is untouched and nothing is left beside it (only if the last step alone
   fails, the new file stands there, whole, but may not outlive a power cut).
   Thread-safe (no HDF5 call inside) if the context is not shared. Local. FLO_ERROR_FILE
   naming path, call, errno, bytes written. */
FLO_MUST_USE flo_status flo_sealed_write(flo_context *context, const char *path,
                                         const void *bytes, size_t size);

/* The same for any bytes without a trailer: status.json, config.yaml. Local. */
FLO_MUST_USE flo_status flo_file_replace(flo_context *context, const char *path,
                                         const void *bytes, size_t size);

/* Reads a sealed file whole and verifies it: bytes [*size] of the image, owned by the
   caller (flo_free). Local. FLO_ERROR_FILE naming what is wrong: missing, too short, no
   trailer, other length, other checksum. */
FLO_MUST_USE flo_status flo_sealed_read(flo_context *context, const char *path,
                                        void **bytes, size_t *size);

/* Writes sealed files in the background, one at a time. `start` takes over the bytes
   (also after a failure) and waits for the write before it; if that one failed and
   nobody was told, start returns its status and message, and the new write is under way
   all the same. `wait` waits, and returns the status of the last write with its
   message. destroy waits too. A writer is used by one thread. Local. FLO_ERROR_FILE,
   FLO_ERROR_MEMORY (nothing was started). */
typedef struct flo_file_writer flo_file_writer;
FLO_MUST_USE flo_status flo_file_writer_create(flo_context *context,
                                               flo_file_writer **writer);
FLO_MUST_USE flo_status flo_file_writer_start(flo_file_writer *writer, const char *path,
                                              void *bytes, size_t size);
FLO_MUST_USE flo_status flo_file_writer_wait(flo_file_writer *writer);
void flo_file_writer_destroy(flo_file_writer **writer);

#endif
