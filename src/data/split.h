/* Inside src/data: which files, data set and share of its rows a split is. */
#ifndef FLO_DATA_SPLIT_H
#define FLO_DATA_SPLIT_H

#include "core/arena.h"
#include "data/rows.h"

typedef struct flo_share {
    flo_texts files; /* as written: paths and patterns */
    const char *name;
    double low, high; /* the rows whose uniform number lies in [low, high) */
} flo_share;

/* Reads train, validation and test of the settings. Local. FLO_ERROR_CONFIG (no such
   split, fractions that leave nothing), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_split_find(flo_arena *arena,
                                       const flo_data_settings *settings,
                                       flo_split split, flo_share *share);

#endif
