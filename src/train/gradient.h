/* The gradient of a step: every lane forward, then backward layer by layer, summed in
   the order of the lane tree over lanes, threads and ranks. */
#ifndef FLO_TRAIN_GRADIENT_H
#define FLO_TRAIN_GRADIENT_H

#include "comm/exchange.h"
#include "data/feed.h"
#include "objective/objective.h"

typedef struct flo_gradient flo_gradient;

/* What the gradient is of. All borrowed; feed is NULL where the objective uses no data.
 */
typedef struct flo_gradient_task {
    const flo_objective *objective;
    const flo_flow *flow;
    flo_feed *feed;
    const flo_lane_plan *plan;
    int threads;
    double bucket_mb;
    flo_gemm gemm; /* what products of conditioners take in */
} flo_gradient_task;

/* Takes all memory of a step in the arena. Collective. FLO_ERROR_MEMORY, and what
   flo_exchange_create may return; agreed. */
FLO_MUST_USE flo_status flo_gradient_create(flo_comm *comm, flo_arena *arena,
                                            const flo_gradient_task *task,
                                            flo_gradient **gradient);
void flo_gradient_destroy(flo_gradient **gradient);

/* Computes the gradient of step `step` (from 0), whose rows the feed has prepared:
   vector [P] is of minus the weighted sum of values, the same bits on every rank; value
   and weight [V] are set for this rank's lanes and 0 elsewhere. Returns the rows of
   this rank whose value is not finite. Collective. */
int64_t flo_gradient_compute(flo_gradient *gradient, const flo_real *theta,
                             int64_t step, double *value, double *weight);

/* The summed gradient [P]. Borrowed. */
const flo_real *flo_gradient_vector(flo_gradient *gradient);

/* The name of the first layer of this rank's lanes whose output was not finite in the
   last compute; NULL if none. Local. */
const char *flo_gradient_bad_layer(const flo_gradient *gradient);

int64_t flo_gradient_buckets(const flo_gradient *gradient);
double flo_gradient_exposed_seconds(const flo_gradient *gradient); /* waited, ever */

/* While held, no bucket leaves before the backward pass is over: what messages take
   that nothing hides, to be measured. The bits are the same. Alike on all ranks. */
void flo_gradient_hold(flo_gradient *gradient, bool held);

#endif
