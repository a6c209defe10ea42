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

/* The same for what is soon written again: at once, but not durably, which takes some
   microseconds; a power cut may leave an empty file. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_file_replace_quickly(flo_context *context, const char *path,
                                                 const void *bytes, size_t size);

/* Reads a sealed file whole and verifies it: bytes [*size] of the image, owned by the
   caller (flo_free). Local. FLO_ERROR_FILE naming what is wrong: missing, too short, no
   trailer, other length, other checksum. */
FLO_MUST_USE flo_status flo_sealed_read(flo_context *context, const char *path,
                                        void **bytes, size_t *size);

/* Writes sealed files in the background, in an order that holds whatever happens: the
   second of two files is begun only once the first is durable. A writer is used by one
   thread, in the order add, start, wait. Local. */
typedef struct flo_file_writer flo_file_writer;
enum { FLO_WRITER_FILES = 2 };
FLO_MUST_USE flo_status flo_file_writer_create(flo_context *context,
                                               flo_file_writer **writer);

/* Lines up a file behind those added since the last wait, FLO_WRITER_FILES at most.
   Its bytes [size + FLO_SEAL_BYTES] are borrowed until the wait. FLO_ERROR_MEMORY:
   nothing is lined up any more. */
FLO_MUST_USE flo_status flo_file_writer_add(flo_file_writer *writer, const char *path,
                                            const void *bytes, size_t size);

/* Begins to write them. */
void flo_file_writer_start(flo_file_writer *writer);

/* Waits until they are written, or one cannot be: then those behind it were not begun.
 *written are durable. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_file_writer_wait(flo_file_writer *writer, int *written);

/* Waits for what is being written, too. */
void flo_file_writer_destroy(flo_file_writer **writer);

#endif
