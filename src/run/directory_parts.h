/* What the files about the run directory share, private to them. */
#ifndef FLO_RUN_DIRECTORY_PARTS_H
#define FLO_RUN_DIRECTORY_PARTS_H

#include "run/directory.h"
#include "run/lock.h"

enum { FLO_NAME_BYTES = 512 };

struct flo_directory {
    flo_context *context; /* borrowed */
    char *path;           /* without a slash at the end */
    char *moved;          /* PATH.old-N, "" */
    char *name;           /* what flo_directory_file gives out */
    char *own;            /* the same for our own calls: a caller's name stays valid */
    size_t name_bytes;    /* of both */
    char *metrics;        /* lines that could not be written yet; NULL: none */
    int64_t metrics_end;  /* then: where they belong in the file, -1: at its end */
    flo_lock *lock;
};

/* "PATH/NAME" in the buffer `own`. Local. */
const char *flo_directory_own(flo_directory *directory, const char *name);

/* Makes a directory with its parents; one that exists is fine. Local. FLO_ERROR_FILE.
 */
FLO_MUST_USE flo_status flo_directory_make(flo_context *context, const char *path);

/* How a file is replaced: flo_file_replace, or flo_file_replace_quickly. */
typedef flo_status flo_directory_replace(flo_context *context, const char *path,
                                         const void *bytes, size_t size);

/* Replaces the file status.json at `path`, whoever writes it. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_write_status(flo_context *context,
                                                   const char *path, const char *state,
                                                   int64_t step, const char *message,
                                                   flo_directory_replace *replace);

/* Appends a line to the file at `path`: both or neither of it. Local. FLO_ERROR_FILE.
 */
FLO_MUST_USE flo_status flo_directory_append(flo_context *context, const char *path,
                                             const char *line);

/* The first sign of a run in the directory ("metrics.jsonl"); NULL if there is none.
   Static storage. Local. */
const char *flo_directory_sign(flo_directory *directory);

/* Moves the directory aside and makes and locks it anew. Local. FLO_ERROR_USAGE,
   FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_directory_move_aside(flo_directory *directory);

#endif
