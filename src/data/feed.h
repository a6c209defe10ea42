/* The batches of a rank's lanes: from memory, or from windows that are read ahead.

   Both modes give the same rows in the same order. A resident feed reads every row of
   its lanes once, at the first step. A streaming feed has two windows a lane: one gives
   its rows while a thread reads the next (prefetch.h). */
#ifndef FLO_DATA_FEED_H
#define FLO_DATA_FEED_H

#include "data/lanes.h"
#include "data/rows.h"

typedef struct flo_feed flo_feed;

typedef struct flo_feed_task {
    flo_rows *rows; /* borrowed; read when resident */
    /* How they were opened, borrowed: a streaming feed opens them again. */
    const flo_data_settings *settings;
    uint64_t seed;
    const flo_lane_plan *plan;     /* borrowed */
    int64_t first_lane, last_lane; /* [first, last) */
    bool streams;
} flo_feed_task;

/* What `lanes` lanes keep of rows of `reals` numbers, at most, in bytes, without what
   reading them takes. Pure. Local. */
int64_t flo_feed_needs(const flo_lane_plan *plan, int64_t lanes, int64_t reals,
                       bool streams);

/* Makes the feed. Reads nothing yet. Local. FLO_ERROR_MEMORY; when streaming also the
   errors of flo_rows_open. */
FLO_MUST_USE flo_status flo_feed_create(flo_context *context, const flo_feed_task *task,
                                        flo_feed **feed);

/* Has a streaming feed read rows as flo_rows_shift does; of a resident one its rows are
   shifted by their owner. Before the first step is prepared. Local. FLO_ERROR_MEMORY.
 */
FLO_MUST_USE flo_status flo_feed_shift(flo_feed *feed, const double *origin,
                                       const double *factor);

/* Ends the thread too, soon also while it reads. */
void flo_feed_destroy(flo_feed **feed);

/* Makes the rows that step `step` needs resident, waiting for what is missing; after it
   flo_feed_fetch of this step cannot fail. A step whose rows cross a window's end
   copies the rows of the window that is left before it takes the next. After a failure
   it may be called again, and fetch gives any rows. Local, one thread. FLO_ERROR_FILE,
   FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_feed_prepare(flo_feed *feed, int64_t step);

/* Copies the rows of `lane` at the prepared step: batch->rows becomes b, the arrays
   must have room for b rows. Thread-safe for different lanes. Local. */
void flo_feed_fetch(flo_feed *feed, int64_t lane, flo_batch *batch);

int64_t flo_feed_bytes(const flo_feed *feed);       /* that its rows take */
int64_t flo_feed_bad_rows(const flo_feed *feed);    /* dropped, seen so far */
double flo_feed_wait_seconds(const flo_feed *feed); /* spent in prepare, ever */

#endif
