/* The sum of all workers' lane nodes in the order of the tree, for vectors. */
#ifndef FLO_COMM_FOLD_H
#define FLO_COMM_FOLD_H

#include "core/context.h"

typedef struct flo_fold flo_fold;

/* Prepares the sum over the maximal nodes of `workers` workers that share V lanes by
   flo_lane_first. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_fold_create(flo_context *context, int64_t lanes,
                                        int64_t workers, flo_fold **fold);
void flo_fold_destroy(flo_fold **fold);

/* The nodes of the workers before this one; of all workers at `workers`. Nodes are
   counted in the order of lanes. Pure. Local. */
int64_t flo_fold_first(const flo_fold *fold, int64_t worker);

/* sum [count] becomes the tree's sum of the vectors node [all nodes][count], which sum
   must not overlap. Not for concurrent threads. Local. */
void flo_fold_sum(flo_fold *fold, int64_t count, const flo_real *const *node,
                  flo_real *sum);

#endif
