/* The lane tree: a sum of lanes that is the same however lanes are dealt to workers. */
#include "core/lane_tree.h"

#include <assert.h>

typedef struct node {
    int level;
    int64_t index;
} node;

/* The first lane past a node, should all its leaves exist. Unsigned, because the tree
   of up to 2^63 lanes ends at 2^63. */
static uint64_t node_end(node at)
{
    return ((uint64_t)at.index + 1) << at.level;
}

static int is_root(int64_t lanes, node at)
{
    return at.index == 0 && node_end(at) >= (uint64_t)lanes;
}

static node parent(node at)
{
    return (node){at.level + 1, at.index / 2};
}

/* A left child whose right sibling covers no lane has the value of its parent: one
   value has one name, that of the highest such node. */
static node highest_name(int64_t lanes, node at)
{
    while (at.index % 2 == 0 && node_end(at) >= (uint64_t)lanes && !is_root(lanes, at))
        at = parent(at);
    return at;
}

static int is_sibling_of_last(const flo_lane_stack *stack, node at)
{
    const int64_t last = stack->count - 1;
    return last >= 0 && at.index % 2 == 1 && stack->node[last].level == at.level &&
           stack->node[last].index == at.index - 1;
}

int flo_lane_push(flo_lane_stack *stack, int level, int64_t index)
{
    node at = highest_name(stack->lanes, (node){level, index});
    int additions = 0;
    while (is_sibling_of_last(stack, at)) {
        at = highest_name(stack->lanes, parent(at));
        stack->count--;
        additions++;
    }
    assert(stack->count < FLO_LANE_STACK);
    stack->node[stack->count].level = at.level;
    stack->node[stack->count].index = at.index;
    stack->count++;
    return additions;
}

/* The largest node that begins at lane `first` and covers no lane from `last` on. */
static node largest_node(int64_t lanes, int64_t first, int64_t last)
{
    node at = {0, first};
    while (at.index % 2 == 0 && !is_root(lanes, at)) {
        const node next = parent(at);
        if (last < lanes && node_end(next) > (uint64_t)last)
            break;
        at = next;
    }
    return at;
}

int64_t flo_lane_nodes(int64_t lanes, int64_t first, int64_t last, int *level,
                       int64_t *index)
{
    int64_t count = 0;
    for (uint64_t lane = (uint64_t)first; lane < (uint64_t)last; count++) {
        const node at = largest_node(lanes, (int64_t)lane, last);
        if (level)
            level[count] = at.level;
        if (index)
            index[count] = at.index;
        lane = node_end(at);
    }
    return count;
}

int64_t flo_lane_depth(int64_t lanes, int64_t first, int64_t last)
{
    flo_lane_stack stack = {.lanes = lanes};
    int64_t depth = 0;
    for (int64_t lane = first; lane < last; lane++) {
        if (stack.count + 1 > depth)
            depth = stack.count + 1;
        (void)flo_lane_push(&stack, 0, lane);
    }
    return depth;
}

int64_t flo_lane_first(int64_t lanes, int64_t workers, int64_t worker)
{
    /* floor(worker lanes / workers), without the product that could overflow. */
    return lanes / workers * worker + lanes % workers * worker / workers;
}

double flo_lane_sum_doubles(int64_t lanes, const double *values)
{
    flo_lane_stack stack = {.lanes = lanes};
    double entry[FLO_LANE_STACK] = {0};
    for (int64_t lane = 0; lane < lanes; lane++) {
        int64_t top = stack.count;
        entry[top] = values[lane];
        for (int left = flo_lane_push(&stack, 0, lane); left > 0; left--, top--)
            entry[top - 1] += entry[top];
    }
    return entry[0];
}
