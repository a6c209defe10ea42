/* Which features are angles: setting `period` of section data. */
#ifndef FLO_DATA_PERIODS_H
#define FLO_DATA_PERIODS_H

#include "core/arena.h"
#include "data/rows.h"

/* *periods [D]: the nodes of the periods of the features of open rows, by the setting,
   a map from columns (indices, ranges, names, as in data.columns) to numbers; NULL for
   a feature that is no angle, and *periods NULL where the setting is null. Local.
   FLO_ERROR_CONFIG: no such column, no feature, given twice, no period above 0;
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_periods_read(flo_arena *arena, const flo_rows *rows,
                                         const flo_node *setting,
                                         const flo_node ***periods);

#endif
