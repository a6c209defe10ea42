/* Inside src/data: a thread that reads windows of lanes before they are needed. */
#ifndef FLO_DATA_PREFETCH_H
#define FLO_DATA_PREFETCH_H

#include "data/lanes.h"
#include "data/rows.h"

/* A window of a lane in memory. Whoever has it, caller or thread, has all of it: the
   thread from flo_prefetch_want until flo_prefetch_wait returns. */
typedef struct flo_window {
    flo_lane_order *order; /* stands at the window that is held */
    flo_batch held;        /* room for window_rows */
    int64_t bad_rows;      /* dropped, of those held */
} flo_window;

typedef struct flo_prefetch flo_prefetch;

/* Starts the thread, all signals blocked; it makes no MPI call. It opens the training
   rows once more, with a context of its own, by `settings` and `seed`. It holds one
   request a lane. Local. FLO_ERROR_MEMORY, and the errors of flo_rows_open. */
FLO_MUST_USE flo_status flo_prefetch_create(flo_context *context,
                                            const flo_data_settings *settings,
                                            uint64_t seed, int64_t lanes,
                                            flo_prefetch **prefetch);

/* flo_rows_shift of the thread's rows, before anything is asked for. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_prefetch_shift(flo_prefetch *prefetch, const double *origin,
                                           const double *factor);

/* Ends the thread, within one piece of reading; windows are the caller's again. */
void flo_prefetch_destroy(flo_prefetch **prefetch);

/* Asks for the window of `lane` that holds the lane's k-th row ever, needed at step
   `step`: windows are read in the order of steps, then of lanes. The request of a lane
   for the same k stands as it is; another one gives way to this. Local. No failure. */
void flo_prefetch_want(flo_prefetch *prefetch, int64_t lane, flo_window *window,
                       int64_t k, int64_t step);

/* Waits until the window that was asked for is held. One whose reading failed is tried
   once more: a passing fault of a disk ends no run, and the message is the window's
   own. Local. FLO_ERROR_FILE, FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_prefetch_wait(flo_prefetch *prefetch, int64_t lane);

#endif
