/* The sum of gradients over lanes and ranks in the order of the lane tree, in buckets,
   while the backward pass goes on.

   Each rank owns lanes [flo_lane_first(V, R, r), flo_lane_first(V, R, r + 1)) and holds
   one vector [P] for each maximal node of them (core/lane_tree.h). A bucket is a range
   of [P], cut into slices, one for each of the first ranks of a host (comm/hosts.h).
   That rank adds what the ranks of its host hold of its slice, in memory that they
   share; where there are other hosts, it exchanges the host's nodes with the same ranks
   there, chunk by chunk, and everything is added in the tree's order. So no byte is
   sent within a host, each leaves it once however many ranks it has, and none of MPI's
   own reductions is used: the bits depend neither on R nor on the hosts. Progress
   happens in `poke`, which costs next to nothing when there is nothing to do. */
#ifndef FLO_COMM_EXCHANGE_H
#define FLO_COMM_EXCHANGE_H

#include "comm/comm.h"

typedef struct flo_exchange flo_exchange;

/* Makes an exchange of vectors [P] in the buckets [bounds[b], bounds[b + 1]), b = 0 ..
   buckets - 1, bounds [buckets + 1], bounds[0] = 0, P the last. All memory is taken
   here. With one rank the sum is the rank's one node and nothing is copied. `comm` is
   borrowed, its hosts stay as they are. Collective. FLO_ERROR_MEMORY, FLO_ERROR_FILE
   (flo_shared_memory_create), FLO_ERROR_CONFIG (a bucket too large for MPI, or too
   many); agreed. */
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

/* The summed vector [P], which the ranks of a host share, complete in the range of a
   bucket after finish, valid until this rank's next start of that bucket. Node vectors
   may be refilled after finish. Borrowed. */
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

#endif
