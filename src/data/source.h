/* An array [N, C] of numbers, one row a sample, that lies in one or many HDF5 files.

   What a name stands for in every file: a numeric data set [N], [N, D] or [N, H, W, ..]
   (flattened, C = D or H W ..); a compound data set, whose numeric fields are the
   columns (a field that is an array of k is k columns, name[0] ..); or a group, whose
   data sets [N] are the columns. Files follow each other as shards: row numbers run
   through them in turn. */
#ifndef FLO_DATA_SOURCE_H
#define FLO_DATA_SOURCE_H

#include "config/settings.h"
#include "hdf5/dataset.h"

typedef struct flo_source flo_source;

typedef struct flo_source_info {
    int64_t rows;    /* N, of all shards; of a group only after flo_source_choose */
    int64_t columns; /* C, all that can be chosen */
    bool by_name;    /* a compound data set or a group: columns must be chosen */
    bool is_group;
    int64_t shards;
    const flo_dataset_info *dataset; /* of the first shard (of a group: of its first
                                        column, then of those chosen) */
    int64_t chunk_rows;              /* the most of a shard; 0: all contiguous */
    int64_t stored_bytes;            /* of all shards */
    bool direct;                     /* all shards are read by pread */
} flo_source_info;

/* Opens `name` in every file. `files` are paths and glob patterns: in the order given,
   those of a pattern in the byte order of their names. Every file is opened once and
   checked: same columns and same kind of type in all, virtual data sets complete, no
   other program writing it (flock; HDF5_USE_FILE_LOCKING=FALSE skips that), none there
   twice. Few stay open: flo_source_read opens them again as it needs them. All columns
   are chosen, but of a group none. Local. FLO_ERROR_FILE (missing, no match of a
   pattern, not HDF5, truncated, being written), FLO_ERROR_DATA (no such data set,
   listing those there are; not numeric; shards that differ: both named). Zero rows are
   allowed. */
FLO_MUST_USE flo_status flo_source_open(flo_context *context, const flo_texts *files,
                                        const char *name, flo_source **source);
void flo_source_close(flo_source **source);

const flo_source_info *flo_source_describe(const flo_source *source);

/* The name of column c: a field, a member of a group, or as flo_dataset_column_name
   finds it for a plain data set. NULL: it has none. Borrowed. */
const char *flo_source_column_name(const flo_source *source, int64_t c);

/* The column of this name, or -1. */
int64_t flo_source_find_column(const flo_source *source, const char *name);

/* The columns that a name stands for: the column so called, or the columns name[0] ..
   of a field that is an array. Returns the first; *count is 0 if there are none. */
int64_t flo_source_find_columns(const flo_source *source, const char *name,
                                int64_t *count);

/* The names of the columns, cut where they are many: text [bytes] for a message. */
void flo_source_list_columns(const flo_source *source, char *text, size_t bytes);

/* Sets what flo_source_read gives from now on: columns column [count] (NULL: 0, 1,
   ..), in this order. Others are not read where the storage allows it. The first choice
   of a group opens every shard once more: its rows are counted. Local.
   FLO_ERROR_MEMORY; of a group FLO_ERROR_FILE, FLO_ERROR_DATA (data sets with other
   numbers of rows). */
FLO_MUST_USE flo_status flo_source_choose(flo_source *source, int64_t count,
                                          const int64_t *column);

/* Reads rows [first, first + count): out [count, chosen columns], where a row starts
   every `stride` elements. Not thread-safe for one object; different objects may be
   read by different threads. Local. FLO_ERROR_FILE (naming the shard). */
FLO_MUST_USE flo_status flo_source_read(flo_source *source, int64_t first,
                                        int64_t count, int64_t stride, flo_real *out);

/* The same in double, of the numbers as they are stored, whatever the shift. */
FLO_MUST_USE flo_status flo_source_read_wide(flo_source *source, int64_t first,
                                             int64_t count, int64_t stride,
                                             double *out);

/* Has flo_source_read give (value - origin) * factor, computed in double: origin and
   factor [chosen columns] are copied, and hold until the next choice. Columns of origin
   0 and factor 1 are read as without. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_source_shift(flo_source *source, const double *origin,
                                         const double *factor);

/* For messages: the file that holds a row and its number there; and the source as a
   whole: its file, or the first one "and 63 more". Borrowed. */
const char *flo_source_locate(const flo_source *source, int64_t row,
                              int64_t *row_in_file);
const char *flo_source_files(const flo_source *source);
const char *flo_source_name(const flo_source *source); /* of the data set */

/* Shard s: its file, and the row number of its first row. */
const char *flo_source_shard(const flo_source *source, int64_t s, int64_t *first);

/* Shard s: its number of rows, and the rows of one of its chunks (0: contiguous). */
int64_t flo_source_shard_rows(const flo_source *source, int64_t s, int64_t *chunk_rows);

/* Fails unless `other` has as many rows, shard by shard: it is the `what` ("the
   context") of the source's rows. Local. FLO_ERROR_DATA naming both files. */
FLO_MUST_USE flo_status flo_source_match(const flo_source *source,
                                         const flo_source *other, const char *what);

/* Keeps so few shards open that they take at most `bytes` (64 MiB before, and if that
   is less); one is always kept. Local. */
void flo_source_limit(flo_source *source, int64_t bytes);

/* Most memory that it holds at a time: chunk caches and staging, in bytes. */
int64_t flo_source_bytes(const flo_source *source);

#endif
