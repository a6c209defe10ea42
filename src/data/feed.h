/* The batches of a rank's lanes, from memory or from the file. */
#ifndef FLO_DATA_FEED_H
#define FLO_DATA_FEED_H

#include "data/lanes.h"
#include "data/rows.h"

typedef struct flo_feed flo_feed;

/* Makes the feed of lanes [first_lane, last_lane): one buffer of a window each. `rows`
   and plan are borrowed. Reads nothing yet. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_feed_create(flo_context *context, flo_rows *rows,
                                        const flo_lane_plan *plan, int64_t first_lane,
                                        int64_t last_lane, flo_feed **feed);
void flo_feed_destroy(flo_feed **feed);

/* Makes the windows that step `step` needs resident, reading what is missing; after it
   flo_feed_fetch of this step cannot fail. A step whose rows cross a window's end
   copies the rows of the window that is left before it reads the next. Local, one
   thread. FLO_ERROR_FILE, FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_feed_prepare(flo_feed *feed, int64_t step);

/* Copies the rows of `lane` at the prepared step: batch->rows becomes b, the arrays
   must have room for b rows. Thread-safe for different lanes. Local. */
void flo_feed_fetch(flo_feed *feed, int64_t lane, flo_batch *batch);

int64_t flo_feed_bytes(const flo_feed *feed);       /* of the buffers */
int64_t flo_feed_bad_rows(const flo_feed *feed);    /* dropped, seen so far */
double flo_feed_wait_seconds(const flo_feed *feed); /* spent reading, ever */

#endif
