/* Some rows of a split, evenly spaced, into a file: to look at them. */
#ifndef FLO_TRAIN_EXCERPT_H
#define FLO_TRAIN_EXCERPT_H

#include "data/rows.h"

typedef struct flo_excerpt {
    int64_t most;      /* rows; all of them where there are fewer */
    const char *split; /* what the rows are called: "test" */
    const char *path;
    bool force;
} flo_excerpt;

/* Writes rows floor(k N / n), k = 0 .. n - 1, of the N rows, as a flow gets them but
   before `preprocess`: data sets x [n, D], context [n, C] (where C is not 0), weight
   [n], double; row [n], its number in its file, file [n], an index into the attribute
   `files` of x, and column [D], context_column [C], numbers in the data set that they
   come from. Attributes `columns` of x and context: names, where there are names;
   `source` of the root: which file, data set and part; `rows`: N; `left_out`: rows of
   the n without a weight, those that on_bad_rows drops among them: they are not
   written. *written: rows in the file. All of it is held in memory. Local.
   FLO_ERROR_USAGE (the file exists), FLO_ERROR_FILE, FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_excerpt_write(flo_context *context, flo_rows *rows,
                                          const flo_excerpt *excerpt, int64_t *written);

#endif
