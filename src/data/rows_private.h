/* Inside src/data: what an open split holds, shared by opening and reading. */
#ifndef FLO_DATA_ROWS_PRIVATE_H
#define FLO_DATA_ROWS_PRIVATE_H

#include "core/arena.h"
#include "data/columns.h"
#include "data/membership.h"
#include "data/rows.h"

struct flo_rows {
    flo_context *context; /* borrowed */
    flo_arena *arena;     /* of all below */
    const char *file, *name;
    bool drop; /* data.on_bad_rows: drop */
    flo_membership membership;
    flo_columns columns;
    int64_t total;    /* columns of the data set */
    int64_t contexts; /* C, from columns or a data set */
    flo_dataset *data;
    flo_dataset *context_data, *weight_data; /* NULL: none */
    const char *context_file, *context_name, *weight_name;
    /* Scratch of reading. */
    int64_t piece_rows; /* rows that are read at a time */
    int64_t *stored;    /* [piece_rows] */
    flo_real *wide; /* [piece_rows, total]; NULL when the data set is the features */
    flo_real *span; /* [span_rows, widest data set]; NULL when all rows belong */
    int64_t span_rows;
};

/* Takes the scratch memory, when all else is known. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_rows_prepare(flo_rows *rows);

#endif
