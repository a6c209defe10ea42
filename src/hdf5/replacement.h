/* A file on its way: written under PATH.tmp.HOST.PID, put in place durably and at once,
   or given up without a trace. */
#ifndef FLO_HDF5_REPLACEMENT_H
#define FLO_HDF5_REPLACEMENT_H

#include "core/context.h"

typedef struct flo_replacement {
    flo_context *context;
    char *path;      /* the file to replace */
    char *temporary; /* PATH.tmp.HOST.PID */
    char *directory; /* that holds both */
    int file;        /* descriptor of the temporary file, -1: closed */
    size_t done;     /* bytes written so far */
    size_t size;     /* bytes that are to be written, for messages */
} flo_replacement;

/* Makes the names; nothing is created yet. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_replacement_begin(flo_context *context, const char *path,
                                              size_t size,
                                              flo_replacement *replacement);

/* Opens the temporary file with open(2)'s flags for writing. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_replacement_open(flo_replacement *replacement, int flags);

/* Writes bytes [size] at `offset` of the file. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_replacement_write(flo_replacement *replacement,
                                              const void *bytes, size_t size,
                                              int64_t offset);

/* fsync, close, rename over the path, fsync of the directory. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_replacement_commit(flo_replacement *replacement);

/* The same without the two fsync: at once for who reads, whole after a kill, but a
   power cut may leave the old file, the new one or an empty one. Local. FLO_ERROR_FILE.
 */
FLO_MUST_USE flo_status flo_replacement_commit_quickly(flo_replacement *replacement);

/* Reports `call`, which failed with errno, with what to do about it. Local. */
flo_status flo_replacement_fail(const flo_replacement *replacement, const char *call);

/* Closes and frees; removes the temporary file if it was not put in place. Local. */
void flo_replacement_end(flo_replacement *replacement);

#endif
