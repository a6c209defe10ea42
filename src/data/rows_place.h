/* Where the rows and columns of a split lie: file, row number there, column names. */
#ifndef FLO_DATA_ROWS_PLACE_H
#define FLO_DATA_ROWS_PLACE_H

#include "data/rows.h"

/* Rows [first, first + count) of the split: shard [count] of flo_rows_source that holds
   each, and row_in_file [count], its number there, from 0. Local. */
void flo_rows_places(const flo_rows *rows, int64_t first, int64_t count,
                     int64_t *row_in_file, int64_t *shard);

/* The file that holds row `row` of the split, and its number there; "" and the same
   number where the split has no such row. Borrowed. Local. */
const char *flo_rows_file_row(const flo_rows *rows, int64_t row, int64_t *row_in_file);

/* Whether the rows are all those of one file, so that their numbers in the split are
   those in the file. Local. */
bool flo_rows_are_whole_file(const flo_rows *rows);

/* Feature (or context column) `column` of the split: the number of its column in the
   data set that it comes from; *name is NULL where it has none. Borrowed. Local. */
int64_t flo_rows_column(const flo_rows *rows, bool of_context, int64_t column,
                        const char **name);

/* "d.h5:test", or "the test part (0.1) of d.h5:train" where it is a fraction; `split`
   is its name. Into text [size]. Local. */
void flo_rows_tell(const flo_rows *rows, const char *split, char *text, size_t size);

#endif
