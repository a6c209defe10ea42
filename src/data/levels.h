/* Inside src/data: the different numbers of each column, counted up to a limit. */
#ifndef FLO_DATA_LEVELS_H
#define FLO_DATA_LEVELS_H

#include "comm/comm.h"

typedef struct flo_levels flo_levels;

enum { FLO_LEVELS_MOST = 1000 }; /* more are "many" */

/* Makes an empty count for `columns` columns. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_levels_create(flo_context *context, int64_t columns,
                                          flo_levels **levels);
void flo_levels_destroy(flo_levels **levels);

/* Looks at rows x [rows, columns]; NaN and infinities do not count. Columns with many
   levels that are not whole cost nothing any more. Local. */
void flo_levels_add(flo_levels *levels, int64_t rows, const double *x);

/* Makes each rank's count that of the numbers of all ranks together. Collective.
   FLO_ERROR_MEMORY, agreed on. */
FLO_MUST_USE flo_status flo_levels_share(flo_comm *comm, flo_levels *levels);

/* How many different finite numbers a column has: at most FLO_LEVELS_MOST + 1, which
   means more. Whether all of them are whole. Local. */
int64_t flo_levels_count(const flo_levels *levels, int64_t column);
bool flo_levels_are_whole(const flo_levels *levels, int64_t column);

#endif
