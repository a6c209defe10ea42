/* A model of latency and bandwidth of a step on a cluster. */
#include "train/scaling.h"

#include "core/integers.h"
#include "core/lane_tree.h"

#include <math.h>
#include <stddef.h>

/* Lanes that the ranks can share out: at least one a thread. */
static int64_t enough_lanes(const flo_scaling_step *step, int64_t ranks)
{
    const int64_t workers = ranks * step->threads;
    return step->lanes > workers ? step->lanes : workers;
}

/* The share of a batch of the slowest thread, as part of what its rank would have if
   all threads had the same. */
static double largest_share(const flo_scaling_step *step, int64_t ranks)
{
    const int64_t lanes = enough_lanes(step, ranks), workers = ranks * step->threads;
    return (double)flo_divide_up(lanes, workers) * (double)workers / (double)lanes;
}

/* The most nodes of the lane tree that a rank holds. Where lanes are made for the
   ranks, they are taken to fit them: one. */
static int64_t most_nodes(const flo_scaling_step *step, int64_t ranks)
{
    if (step->lanes < ranks * step->threads)
        return 1;
    int64_t most = 1;
    for (int64_t r = 0; r < ranks; r++) {
        const int64_t nodes =
            flo_lane_nodes(step->lanes, flo_lane_first(step->lanes, ranks, r),
                           flo_lane_first(step->lanes, ranks, r + 1), NULL, NULL);
        most = nodes > most ? nodes : most;
    }
    return most;
}

/* Of one bucket: what a rank sends out of its node, and what the node's link carries.
 */
static double bucket_seconds(const flo_scaling_step *step,
                             const flo_scaling_cluster *cluster)
{
    const int64_t ranks = cluster->nodes * cluster->ranks;
    const double others = (double)(ranks - cluster->ranks);
    const double messages = (double)(most_nodes(step, ranks) + 1) * others;
    const double piece = (double)step->bytes / (double)(step->buckets * ranks);
    const double bytes = (double)cluster->ranks * messages * piece;
    return 1e-6 * cluster->latency_us * messages + 8e-9 * bytes / cluster->gbit;
}

/* When the last bucket has passed, counted from the end of the backward pass. */
static double exposed_seconds(const flo_scaling_step *step,
                              const flo_scaling_cluster *cluster, double backward,
                              double bucket)
{
    const double wait = cluster->overlap * backward / (double)step->buckets;
    double passed = -INFINITY;
    for (int64_t b = step->buckets - 1; b >= 0; b--)
        passed = fmax(passed, -(double)b * wait) + bucket;
    return passed;
}

flo_scaling_point flo_scaling_predict(const flo_scaling_step *step,
                                      const flo_scaling_cluster *cluster, double rows)
{
    const int64_t ranks = cluster->nodes * cluster->ranks;
    const double pass =
        step->row_seconds * rows / (double)ranks * largest_share(step, ranks);
    const double bucket = bucket_seconds(step, cluster);
    const double meeting =
        1e-6 * cluster->latency_us * ceil(log2((double)cluster->nodes));
    flo_scaling_point p = {
        .compute_seconds = pass + step->update_seconds,
        .exchange_seconds = (double)step->buckets * bucket + meeting,
        .exposed_seconds =
            exposed_seconds(step, cluster, step->backward * pass, bucket) + meeting};
    p.step_seconds = p.compute_seconds + p.exposed_seconds;
    return p;
}
