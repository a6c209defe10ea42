/* The sum of gradients over lanes and ranks in the order of the lane tree, in buckets,
   while the backward pass goes on.

   Each rank owns lanes [flo_lane_first(V, R, r), flo_lane_first(V, R, r + 1)) and holds
   one vector [P] for each maximal node of them (core/lane_tree.h). A bucket is a range
   of [P] cut into one chunk a rank. Ranks send the pieces of their vectors to the owner
   of each chunk; the owner adds in the tree's order and sends the sum to all. One
   message a node and one a sum for each pair of ranks and bucket (no sums where each of
   two ranks can add all as cheaply), none of MPI's own reductions: the bits do not
   depend on R. Progress happens in `poke`, which costs next
   to nothing when there is nothing to do. */
#ifndef FLO_COMM_EXCHANGE_H
#define FLO_COMM_EXCHANGE_H

#include "comm/comm.h"

typedef struct flo_exchange flo_exchange;

/* Makes an exchange of vectors [P] in the buckets [bounds[b], bounds[b + 1]), b = 0 ..
   buckets - 1, bounds [buckets + 1], bounds[0] = 0, P the last. All memory is taken
   here. With one rank the sum is the rank's one node and nothing is copied. `comm` is
   borrowed. Collective. FLO_ERROR_MEMORY, FLO_ERROR_CONFIG (a bucket too large for
   MPI, or too many); agreed. */
FLO_MUST_USE flo_status flo_exchange_create(flo_comm *comm, flo_context *context,
                                            int64_t lanes, int64_t buckets,
                                            const int64_t *bounds,
                                            flo_exchange **exchange);

/* Completes the buckets that were started, then frees. Collective. */
void flo_exchange_destroy(flo_exchange **exchange);

/* The number of this rank's nodes, and the vector [P] of each, to be filled. Borrowed.
 */
int64_t flo_exchange_nodes(const flo_exchange *exchange);
flo_real *flo_exchange_node(flo_exchange *exchange, int64_t node);

/* The summed vector [P], complete in the range of a bucket after finish, valid until
   that bucket's next start. Node vectors may be refilled after finish. Borrowed. */
flo_real *flo_exchange_sum(flo_exchange *exchange);

/* Begins the exchange of a bucket whose range of all nodes is filled; every rank starts
   the buckets in the same order, each once a step. Only one thread calls the exchange.
 */
void flo_exchange_start(flo_exchange *exchange, int64_t bucket);

/* Makes progress without waiting. */
void flo_exchange_poke(flo_exchange *exchange);

/* Waits until all started buckets are complete everywhere on this rank. Returns the
   seconds waited (exposed communication). A failed MPI call aborts the job. */
double flo_exchange_finish(flo_exchange *exchange);

int64_t flo_exchange_bytes(const flo_exchange *exchange); /* of all its vectors */

#endif
