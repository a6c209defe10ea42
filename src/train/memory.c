/* What a rank's memory goes into. */
#include "train/memory.h"

#include "comm/hosts.h"
#include "core/integers.h"
#include "core/lane_tree.h"
#include "train/covariance.h"

enum { PROGRAM_BYTES = 20 << 20 }; /* a process before it has taken any */

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

static int64_t widest_layer(const flo_flow *flow)
{
    int64_t widest = flow->base->parameters.size;
    for (int64_t k = 0; k < flow->layers; k++)
        if (flow->layer[k].bijection->parameters.size > widest)
            widest = flow->layer[k].bijection->parameters.size;
    return widest;
}

/* Sums of gradients of the first of so many workers, in reals: nodes of the lane tree,
   and in a layer those on their way there. */
static int64_t sums_of(const flo_trainer *t, int64_t workers)
{
    const int64_t V = t->plan.lanes, last = flo_lane_first(V, workers, 1);
    const int64_t nodes = flo_lane_nodes(V, 0, last, NULL, NULL);
    return nodes * t->flow->parameters.size +
           (flo_lane_depth(V, 0, last) - nodes) * widest_layer(t->flow);
}

/* What a rank has alone, in reals: theta, rounded parameters, sums of gradients and
   what comes from other hosts. */
static int64_t own_reals(const flo_trainer *t)
{
    const int64_t P = t->flow->parameters.size, ranks = flo_comm_size(t->comm);
    int64_t reals = P + sums_of(t, ranks);
    if (t->threads > 1)
        reals += t->threads * sums_of(t, ranks * t->threads);
    if (flo_hosts_count(t->comm) > 1)
        reals += P;
    return t->config.train.gemm ? reals + P / 2 : reals;
}

/* What the ranks of a host have together, in vectors of the size of theta: moments and
   average, parameters passed on, sums, what goes to other hosts; and, on that of rank
   0, the image of a checkpoint. */
static int64_t shared_vectors(const flo_trainer *t)
{
    const bool shares = flo_host_size(t->comm) > 1;
    const int kept = flo_optimizer_vectors(t->optimizer), image = 1 + kept;
    return kept + shares + (flo_comm_size(t->comm) > 1) +
           (shares && flo_hosts_count(t->comm) > 1) + image;
}

double flo_memory_bytes(const flo_trainer *t)
{
    const int64_t lanes = flo_divide_up(t->plan.lanes, flo_comm_size(t->comm));
    const int64_t rows = lanes * flo_divide_up(t->plan.batch, t->plan.lanes);
    const double reals =
        (double)(own_reals(t) + rows * reals_a_row(t->flow)) +
        (double)(shared_vectors(t) * t->flow->parameters.size / flo_host_size(t->comm));
    /* Correlations, at the start of a flow that is whitened and at every run's end; and
       constants, which whiten keeps in flo_real, too. */
    const double matrices =
        t->rows[FLO_TRAIN] ? flo_covariance_bytes(t->flow->features + t->flow->context)
                           : 0;
    const double constants =
        (double)t->flow->constants.size * (sizeof(double) + sizeof(flo_real));
    return PROGRAM_BYTES + (double)t->rows_bytes + reals * sizeof(flo_real) + matrices +
           constants;
}
