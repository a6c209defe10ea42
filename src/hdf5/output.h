/* A result file written in pieces: data sets of rows, in place only when complete. */
#ifndef FLO_HDF5_OUTPUT_H
#define FLO_HDF5_OUTPUT_H

#include "hdf5/image.h"

typedef struct flo_output flo_output;

/* Begins `path` with the contiguous data set `name` [rows, columns] ([rows] where
   columns is 0), under PATH.tmp.HOST.PID until close. `source` becomes a root
   attribute: what made the file. An existing file is refused unless `force`. Local.
   FLO_ERROR_USAGE (exists), FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_create(flo_context *context, const char *path,
                                          bool force, const char *source,
                                          const char *name, flo_element element,
                                          int64_t rows, int64_t columns,
                                          flo_output **output);

enum { FLO_OUTPUT_SETS = 3 };

/* One of several data sets of a file, with its attributes; texts may be NULL. */
typedef struct flo_output_set {
    const char *name;
    flo_element element;
    int rank; /* of a row; 0: a number */
    int64_t shape[8];
    int64_t files; /* texts of attribute `files` */
    const char *const *file;
    int64_t columns;          /* texts of the attributes below */
    const char *const *label; /* `columns`: what they are called */
    const char *const *type;  /* `stored_types`, of the data that they stand for */
    const char *const *unit;  /* `units` */
} flo_output_set;

/* The same with `sets` (at most FLO_OUTPUT_SETS) data sets of as many rows each. Local.
   FLO_ERROR_USAGE, FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_create_sets(flo_context *context, const char *path,
                                               bool force, const char *source,
                                               int64_t rows, int sets,
                                               const flo_output_set *set,
                                               flo_output **output);

/* Writes rows [first, first + count) of the data set, or of number `set` of them.
   Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_write(flo_output *output, int64_t first,
                                         int64_t count, const void *values);
FLO_MUST_USE flo_status flo_output_write_set(flo_output *output, int set, int64_t first,
                                             int64_t count, const void *values);

/* Completes the file: fsync, rename into place. Destroys the output, also on failure.
   Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_close(flo_output **output);

/* Gives up: removes the temporary file. NULL is allowed. Local. */
void flo_output_abandon(flo_output **output);

#endif
