/* Sums of vectors over lanes while they come, in the order of the lane tree. */
#ifndef FLO_TRAIN_PARTIAL_SUMS_H
#define FLO_TRAIN_PARTIAL_SUMS_H

#include "core/lane_tree.h"

/* Vectors [n] in the order of a stack of lane nodes. The first lie where they belong in
   the end, at `first` of node[i], the others in `rest` [.., stride]. All borrowed. */
typedef struct flo_partial_sums {
    int64_t n, nodes, first;
    flo_real *const *node; /* [nodes] */
    flo_real *rest;
    int64_t stride;
} flo_partial_sums;

/* The i-th vector: i = stack->count is where the next one is to be put. Local. */
flo_real *flo_partial_sums_at(const flo_partial_sums *sums, int64_t i);

/* Pushes the vector that was put there, the value of a node, and folds the newest into
   those before it as often as the tree says. Local. */
void flo_partial_sums_push(const flo_partial_sums *sums, flo_lane_stack *stack,
                           int level, int64_t index);

#endif
