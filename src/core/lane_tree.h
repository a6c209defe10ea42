/* The fixed binary tree in which everything is summed over lanes.

   Lanes 0 .. V-1 are the leaves of the complete binary tree of the next power of two;
   leaves V and above are missing and skipped. A node is (level, index): it covers lanes
   [index << level, (index + 1) << level). The value of a node is left + right, or left
   alone where the right child covers no lane. So a sum does not depend on how lanes are
   dealt to threads and ranks: a worker with lanes [first, last) holds the values of its
   maximal nodes, and any worker that gets those of all can finish the tree. */
#ifndef FLO_CORE_LANE_TREE_H
#define FLO_CORE_LANE_TREE_H

#include "flotilla/real.h"

#include <stdint.h>

enum { FLO_LANE_STACK = 130 }; /* enough nodes for any range of 2^63 lanes */

/* Values in the order of lanes with their nodes; what `flo_lane_push` folds. */
typedef struct flo_lane_stack {
    int64_t lanes; /* V */
    int64_t count; /* nodes held */
    struct {
        int level;
        int64_t index;
    } node[FLO_LANE_STACK];
} flo_lane_stack;

/* Pushes a node's value as entry `count`, and says how many additions now follow: the
   caller adds, that many times, the last entry into the one before and drops it. Nodes
   come in the order of lanes and adjoin. Pure apart from *stack. Local. */
int flo_lane_push(flo_lane_stack *stack, int level, int64_t index);

/* The maximal nodes of lanes [first, last) among V, left to right: level and index
   [*count] (either may be NULL). Returns their count, at most 2 log2 V. Pure. Local. */
int64_t flo_lane_nodes(int64_t lanes, int64_t first, int64_t last, int *level,
                       int64_t *index);

/* The most entries that a stack ever holds while the leaves of [first, last) are pushed
   in turn: the number of buffers that a worker needs. Pure. Local. */
int64_t flo_lane_depth(int64_t lanes, int64_t first, int64_t last);

/* The first lane of worker w of W when V lanes are dealt: floor(w V / W). Pure. Local.
 */
int64_t flo_lane_first(int64_t lanes, int64_t workers, int64_t worker);

/* The sum over all V lanes of values [V] in the tree's order. Pure. Local. */
double flo_lane_sum_doubles(int64_t lanes, const double *values);

#endif
