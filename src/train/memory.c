/* What a rank's memory goes into. */
#include "train/memory.h"

#include "core/integers.h"

/* Activations that a row keeps until its backward pass, in reals. */
static int64_t reals_a_row(const flo_flow *flow)
{
    int64_t reals = flow->base->cache + 4 * flow->features;
    for (int64_t k = 0; k < flow->layers; k++) {
        const flo_bijection *const b = flow->layer[k].bijection;
        reals += flow->features + b->cache + b->noise;
    }
    return reals;
}

double flo_memory_bytes(const flo_trainer *t)
{
    const int64_t P = t->flow->parameters.size, ranks = flo_comm_size(t->comm);
    const int64_t lanes = flo_divide_up(t->plan.lanes, ranks);
    const int64_t rows = lanes * flo_divide_up(t->plan.batch, t->plan.lanes);
    int64_t vectors = 2 + flo_optimizer_vectors(t->optimizer);
    vectors += t->threads > 1 ? t->threads : 0; /* a gradient a thread */
    vectors += ranks > 1 ? 2 : 0;               /* sent and received */
    vectors += 4;                               /* a checkpoint's image on rank 0 */
    return (double)t->rows_bytes +
           (double)(vectors * P + rows * reals_a_row(t->flow)) * sizeof(flo_real);
}
