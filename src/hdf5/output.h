/* A result file written in pieces: one data set of rows, in place only when complete.
 */
#ifndef FLO_HDF5_OUTPUT_H
#define FLO_HDF5_OUTPUT_H

#include "hdf5/image.h"

typedef struct flo_output flo_output;

/* What the rows of a data set are, and what their columns are called. */
typedef struct flo_output_form {
    int64_t rows;
    int rank; /* of a row; 0: a number */
    int64_t shape[8];
    int64_t columns;           /* texts in the lists below */
    const char *const *labels; /* attribute `columns`; NULL: none */
    const char *const *types;  /* `stored_types`, of the data they stand for; NULL */
    const char *const *units;  /* `units`; NULL */
} flo_output_form;

/* Begins `path` with a contiguous data set of that form; else as flo_output_create.
   Local. FLO_ERROR_USAGE (exists), FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_begin(flo_context *context, const char *path,
                                         bool force, const char *source,
                                         const char *name, flo_element element,
                                         const flo_output_form *form,
                                         flo_output **output);

/* Begins `path` with the contiguous data set `name` [rows, columns] ([rows] where
   columns is 0), under PATH.tmp.HOST.PID until close. `source` becomes a root
   attribute: what made the file. An existing file is refused unless `force`. Local.
   FLO_ERROR_USAGE (exists), FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_create(flo_context *context, const char *path,
                                          bool force, const char *source,
                                          const char *name, flo_element element,
                                          int64_t rows, int64_t columns,
                                          flo_output **output);

/* Writes rows [first, first + count). Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_write(flo_output *output, int64_t first,
                                         int64_t count, const void *values);

/* Completes the file: fsync, rename into place. Destroys the output, also on failure.
   Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_output_close(flo_output **output);

/* Gives up: removes the temporary file. NULL is allowed. Local. */
void flo_output_abandon(flo_output **output);

#endif
