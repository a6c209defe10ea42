/* The sum of adjoining workers' lane nodes in the order of the tree, for vectors. */
#ifndef FLO_COMM_FOLD_H
#define FLO_COMM_FOLD_H

#include "core/context.h"

typedef struct flo_fold flo_fold;

/* Prepares the sum over the maximal nodes of `workers` workers, of which worker w has
   the lanes [bounds[w], bounds[w + 1]) among V: the maximal nodes of them all, one
   where that is all V. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_fold_create(flo_context *context, int64_t lanes,
                                        int64_t workers, const int64_t *bounds,
                                        flo_fold **fold);
void flo_fold_destroy(flo_fold **fold);

/* The nodes of the workers before this one; of all workers at `workers`. Nodes are
   counted in the order of lanes. Pure. Local. */
int64_t flo_fold_first(const flo_fold *fold, int64_t worker);

/* The nodes that they add up to. Pure. Local. */
int64_t flo_fold_sums(const flo_fold *fold);

/* sum [sums][count] becomes the tree's sums of the vectors node [all nodes][count],
   which no sum may overlap. Not for concurrent threads. Local. */
void flo_fold_sum(flo_fold *fold, int64_t count, const flo_real *const *node,
                  flo_real *const *sum);

#endif
