/* Inside src/data: which columns of a data set are features, context and weight. */
#ifndef FLO_DATA_COLUMNS_H
#define FLO_DATA_COLUMNS_H

#include "core/arena.h"
#include "data/settings.h"

typedef struct flo_columns {
    int64_t features;       /* D */
    int64_t *feature;       /* [D], or NULL: columns 0 .. D-1 of the data set */
    int64_t contexts;       /* context columns of the same data set */
    int64_t *context;       /* [contexts] */
    int64_t weight;         /* weight column of the same data set, or -1 */
    const char *context_in; /* data set path as written, or NULL */
    const char *weight_in;
} flo_columns;

/* The data set path that a setting context or weights is, or NULL. Local. */
const char *flo_columns_path(const flo_node *setting);

/* Reads settings columns, context and weights for a data set of `total` columns;
   `where` names file and data set in messages. Local. FLO_ERROR_CONFIG: not a column,
   out of range, twice; FLO_ERROR_DATA: no feature left. */
FLO_MUST_USE flo_status flo_columns_resolve(flo_arena *arena,
                                            const flo_data_settings *settings,
                                            int64_t total, const char *where,
                                            flo_columns *columns);

#endif
