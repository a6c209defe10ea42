/* Where the rows and columns of a split lie: file, row number there, column names. */
#ifndef FLO_DATA_ROWS_PLACE_H
#define FLO_DATA_ROWS_PLACE_H

#include "data/rows.h"

/* The shard (of flo_rows_source) that holds row `row` of the split; *row_in_file is its
   number there, from 0. Local. */
int64_t flo_rows_place(const flo_rows *rows, int64_t row, int64_t *row_in_file);

/* Feature (or context column) `column` of the split: the number of its column in the
   data set that it comes from; *name is NULL where it has none. Borrowed. Local. */
int64_t flo_rows_column(const flo_rows *rows, bool of_context, int64_t column,
                        const char **name);

/* "d.h5:test", or "the test part (0.1) of d.h5:train" where it is a fraction; `split`
   is its name. Into text [size]. Local. */
void flo_rows_tell(const flo_rows *rows, const char *split, char *text, size_t size);

#endif
