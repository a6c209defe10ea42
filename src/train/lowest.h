/* The lowest values among many, with their rows: what an average hides. */
#ifndef FLO_TRAIN_LOWEST_H
#define FLO_TRAIN_LOWEST_H

#include "comm/comm.h"

/* One row; a value that is not finite counts as -infinity. */
typedef struct flo_low {
    double value, weight, row;
} flo_low;

typedef struct flo_lowest {
    int64_t wanted, held, room;
    flo_low *low; /* [room] */
} flo_lowest;

FLO_MUST_USE flo_status flo_lowest_create(flo_context *context, int64_t wanted,
                                          flo_lowest *lowest);
void flo_lowest_free(flo_context *context, flo_lowest *lowest);

/* Shows one value. Local. */
void flo_lowest_see(flo_lowest *lowest, double value, double weight, int64_t row);

/* Merges what all ranks saw; on rank 0 the wanted lowest (or fewer) remain, ascending,
   ties by row. Collective. FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_lowest_merge(flo_comm *comm, flo_context *context,
                                         flo_lowest *lowest);

#endif
