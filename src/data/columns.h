/* Inside src/data: which columns of a data set are features, context and weight. */
#ifndef FLO_DATA_COLUMNS_H
#define FLO_DATA_COLUMNS_H

#include "core/arena.h"
#include "data/settings.h"
#include "data/source.h"

typedef struct flo_columns {
    int64_t features;       /* D */
    int64_t *feature;       /* [D], columns of the source */
    int64_t contexts;       /* context columns of the same source */
    int64_t *context;       /* [contexts]; of a source of its own: those chosen of it,
                               NULL: all */
    int64_t weight;         /* weight column of the same source, or -1 */
    const char *context_in; /* data set path as written, or NULL */
    const char *weight_in;
} flo_columns;

/* The data set path that a setting context or weights is for a source, or NULL: a
   scalar that is no index, range or name of its columns. Local. */
const char *flo_columns_path(const flo_source *source, const flo_node *setting);

/* Reads settings columns, context and weights for a source. Local. FLO_ERROR_CONFIG:
   not a column, twice, not chosen where they must be; FLO_ERROR_DATA: no feature left.
 */
FLO_MUST_USE flo_status flo_columns_resolve(flo_arena *arena,
                                            const flo_data_settings *settings,
                                            const flo_source *source,
                                            flo_columns *columns);

#endif
