/* Sums of vectors over lanes while they come, in the order of the lane tree. */
#include "train/partial_sums.h"

flo_real *flo_partial_sums_at(const flo_partial_sums *s, int64_t i)
{
    return i < s->nodes ? s->node[i] + s->first : s->rest + (i - s->nodes) * s->stride;
}

static void add(int64_t n, flo_real *restrict sum, const flo_real *restrict more)
{
    for (int64_t i = 0; i < n; i++)
        sum[i] += more[i];
}

void flo_partial_sums_push(const flo_partial_sums *s, flo_lane_stack *stack, int level,
                           int64_t index)
{
    int64_t top = stack->count;
    for (int more = flo_lane_push(stack, level, index); more > 0; more--, top--)
        add(s->n, flo_partial_sums_at(s, top - 1), flo_partial_sums_at(s, top));
}
