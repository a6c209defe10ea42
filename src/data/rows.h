/* The rows of one split: features, context and weight of each, by row number. */
#ifndef FLO_DATA_ROWS_H
#define FLO_DATA_ROWS_H

#include "comm/comm.h"
#include "data/settings.h"
#include "data/source.h"
#include "schema/schema.h"

typedef enum flo_split { FLO_TRAIN, FLO_VALIDATION, FLO_TEST, FLO_SPLITS } flo_split;

/* Rows in memory. All arrays are row-major and owned by whoever made the struct. */
typedef struct flo_batch {
    int64_t rows;
    flo_real *x;       /* [rows, D] */
    flo_real *context; /* [rows, C]; unused when C is 0 */
    flo_real *weight; /* [rows]; 1 where the data has no weights, 0 for a dropped row */
} flo_batch;

typedef struct flo_rows flo_rows;

/* Opens the rows of a split. A fraction takes the rows whose uniform number
   (FLO_RANDOM_SPLIT, seed, stored row index) is below it: validation first, then test;
   the train split is the rest. So membership is a function of row index and seed alone.
   Local. FLO_ERROR_CONFIG, FLO_ERROR_FILE, FLO_ERROR_DATA: all of flo_source_open, zero
   rows (also after a fraction), no such column, context or weights with another number
   of rows... each names file and data set, found, wanted. */
FLO_MUST_USE flo_status flo_rows_open(flo_context *context,
                                      const flo_data_settings *settings, uint64_t seed,
                                      flo_split split, flo_rows **rows);

/* The same with the columns, context and weights of a schema (data/bind.h) in place of
   the settings'; NULL: by the settings. Local. */
FLO_MUST_USE flo_status flo_rows_open_bound(flo_context *context,
                                            const flo_data_settings *settings,
                                            uint64_t seed, flo_split split,
                                            const flo_schema *schema, flo_rows **rows);

/* Opens FILE[:dataset], where FILE may be a pattern, with all columns (default data
   set: the only numeric one, or `test`, else an error that lists them). Local. */
FLO_MUST_USE flo_status flo_rows_open_file(flo_context *context, const char *file_spec,
                                           flo_rows **rows);

/* Opens FILE[:dataset] with all columns, to be trained on: the default data set is the
   only numeric one, or `train`. Local. */
FLO_MUST_USE flo_status flo_rows_open_train(flo_context *context, const char *file_spec,
                                            flo_rows **rows);

/* Opens FILE[:dataset] with the columns, context and weights of a model's schema
   (data/bind.h), and the on_bad_rows of `settings`. Weights count where the file has
   them. A model of before there were schemas (NULL) is met by `settings`: a plain data
   set of exactly `features` columns is taken as it is, unless the settings' columns
   could be chosen from it in another order, which is refused. Local. FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_rows_open_like(flo_context *context,
                                           const flo_data_settings *settings,
                                           const char *file_spec, int64_t features,
                                           const flo_schema *schema, flo_rows **rows);

/* The same of rows that are the context of samples to be drawn: their features are the
   `contexts` context columns of the model. Local. */
FLO_MUST_USE flo_status flo_rows_open_conditions(
    flo_context *context, const flo_data_settings *settings, const char *file_spec,
    int64_t contexts, const flo_schema *schema, flo_rows **rows);

/* The schema of a model that is trained on these rows, in the arena. Opens the first
   file again. Local. FLO_ERROR_MEMORY, FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_rows_schema(const flo_rows *rows, flo_arena *arena,
                                        flo_schema **schema);
void flo_rows_close(flo_rows **rows);

int64_t flo_rows_count(const flo_rows *rows);            /* N */
int64_t flo_rows_features(const flo_rows *rows);         /* D */
int64_t flo_rows_context_features(const flo_rows *rows); /* C */
const char *flo_rows_file(const flo_rows *rows);         /* for messages */
const char *flo_rows_dataset(const flo_rows *rows);      /* for messages */
const char *
flo_rows_written(const flo_rows *rows); /* FILE of FILE[:dataset], or NULL */
const flo_source *flo_rows_source(const flo_rows *rows); /* of the features. Borrowed */

/* Most memory that reading takes, in bytes: scratch, staging, chunk caches. */
int64_t flo_rows_bytes(const flo_rows *rows);

/* A hash of the shape of the split and of 512 rows taken evenly over all its files;
   never of path, time, type or storage: the same rows in one file or in many are the
   same. Bad rows are no error here. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_rows_fingerprint(flo_rows *rows, uint64_t *fingerprint);

/* Fails on all ranks unless all see the same data by count and fingerprint: a node with
   other files would go other ways. Collective. FLO_ERROR_DATA and those above, agreed
   on. */
FLO_MUST_USE flo_status flo_rows_agree(flo_comm *comm, flo_rows *rows,
                                       uint64_t *fingerprint);

/* For messages, into text [size]: "FILE: data set 'NAME', row R, column C (ITS NAME)"
   of a row of the split, R in its file, and of one of the D features (or C context
   columns). Local. */
void flo_rows_locate(const flo_rows *rows, int64_t row, bool of_context, int64_t column,
                     char *text, size_t size);

/* "column 3 (mass)": where one of the D features (or C context columns) stands in its
   data set, and its name there, into text [size]. Local. */
void flo_rows_tell_column(const flo_rows *rows, bool of_context, int64_t column,
                          char *text, size_t size);

/* Which of the C context columns a setting names, as data.context names columns: of the
   data set that the context is from. chosen [C]. Local. FLO_ERROR_CONFIG (not one of
   them, or there is no context), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_rows_choose_context(const flo_rows *rows,
                                                const flo_node *setting, bool *chosen);

/* The error of a split whose rows all have weight 0. Local. */
flo_status flo_rows_fail_weightless(const flo_rows *rows);

/* Has flo_rows_read give (number - origin) * factor, computed in double: origin, factor
   [D + C], features first, are copied. Weights stay. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_rows_shift(flo_rows *rows, const double *origin,
                                       const double *factor);

/* Row `row` in double, whatever the shift: number [D + C], features first. NaN and
   infinities stand as they are. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_rows_read_wide(flo_rows *rows, int64_t row, double *number);

/* Whether columns may hold numbers that flo_real does not: of 64 or 32 bits, and not of
   its own type. Local. */
bool flo_rows_may_round(const flo_rows *rows);

/* From now on rows with NaN or Inf in features or context are read as they are: for
   scores, which are NaN there. One with a bad weight has weight 0 where on_bad_rows is
   drop, and fails as before where it is not. `keep` false: as before. Local. */
void flo_rows_keep_bad(flo_rows *rows, bool keep);

/* Reads rows [first, first + count) of the split into arrays with room for them. A row
   with NaN or Inf (feature, context or weight; or a negative weight) is FLO_ERROR_DATA
   naming file, data set, row in that file, column and value; with on_bad_rows: drop its
   weight becomes 0, its values 0, and *bad (may be NULL) counts it. Not thread-safe for
   one object. Local. FLO_ERROR_FILE, FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_rows_read(flo_rows *rows, int64_t first, int64_t count,
                                      flo_batch *batch, int64_t *bad);

#endif
