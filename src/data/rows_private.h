/* Inside src/data: what an open split holds, shared by opening and reading. */
#ifndef FLO_DATA_ROWS_PRIVATE_H
#define FLO_DATA_ROWS_PRIVATE_H

#include "core/arena.h"
#include "data/bind.h"
#include "data/columns.h"
#include "data/membership.h"
#include "data/rows.h"
#include "data/split.h"

struct flo_rows {
    flo_context *context; /* borrowed */
    flo_arena *arena;     /* of all below */
    const char *written;  /* FILE of a spec; NULL of a split */
    bool drop;            /* data.on_bad_rows: drop */
    bool keep;            /* flo_rows_keep_bad */
    flo_membership membership;
    flo_columns columns;
    flo_binding binding; /* of the features, where they were bound to a schema */
    int64_t contexts;    /* C, from columns or a data set */
    flo_source *data; /* gives features, then context columns, then the weight column */
    int64_t width;    /* of what it gives */
    flo_source *context_data, *weight_data; /* NULL: none */
    /* Scratch of reading. */
    int64_t piece_rows; /* rows that are read at a time */
    int64_t *stored;    /* [piece_rows] */
    flo_real *wide;     /* [piece_rows, width]; NULL when the data are all features */
    flo_real *span;     /* [span_rows, widest source]; NULL when all rows belong */
    int64_t span_rows;
};

/* What a split is opened by. */
typedef struct flo_opening {
    flo_data_settings settings;
    uint64_t seed;
    const flo_schema *schema; /* that its columns are bound to; NULL: by the settings */
    bool is_like;             /* other data than the run's own: weights count where
                                 there are any */
    int64_t like_features; /* of other data for a model without a schema: D; else 0 */
    const char *what;      /* its features are, in messages; NULL: columns */
    const char *usual;     /* the data set of a spec that names none */
} flo_opening;

/* Fills in rows->columns, when rows->data is open: by the schema (rows_bind.c). Local.
   FLO_ERROR_DATA, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_rows_bind(flo_rows *rows, const flo_opening *how,
                                      const flo_share *share);

/* Settings as they hold for other data of a model from before there were schemas
   (rows_bind.c). Local. FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_rows_adapt(flo_rows *rows, flo_opening *how,
                                       const flo_share *share);

/* A path with the split's data set in the place of {split}. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_rows_fill_in(flo_arena *arena, const char *path,
                                         const char *split, char **filled);

/* Takes the scratch memory, when all else is known. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_rows_prepare(flo_rows *rows);

/* Fails at the first bad row of a piece (n rows, whose stored rows are rows->stored),
   or gives all such rows weight 0 and values 0 and adds their number to *bad (may be
   NULL), by data.on_bad_rows. Local. FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_rows_check(const flo_rows *rows, const flo_batch *piece,
                                       int64_t *bad);

#endif
