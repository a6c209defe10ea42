/* A model of latency and bandwidth of a step on a cluster. */
#include "train/scaling.h"

#include "core/integers.h"
#include "core/lane_tree.h"

#include <math.h>
#include <stdbool.h>
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

/* The most nodes of the lane tree that the ranks of a node hold together. Where lanes
   are made for the ranks, they are taken to fit them: one. */
static int64_t most_parts(const flo_scaling_step *step,
                          const flo_scaling_cluster *cluster)
{
    if (step->lanes < cluster->nodes * cluster->ranks * step->threads)
        return 1;
    int64_t most = 1;
    for (int64_t n = 0; n < cluster->nodes; n++) {
        const int64_t parts = flo_lane_nodes(
            step->lanes, flo_lane_first(step->lanes, cluster->nodes, n),
            flo_lane_first(step->lanes, cluster->nodes, n + 1), NULL, NULL);
        most = parts > most ? parts : most;
    }
    return most;
}

/* Of one bucket: the messages of a rank, each of which waits for the one before, and
   what the node's link carries of all its ranks. */
static double bucket_seconds(const flo_scaling_step *step,
                             const flo_scaling_cluster *cluster)
{
    const int64_t parts = most_parts(step, cluster);
    const bool one_way = cluster->nodes == 2 && parts == 1;
    const double chunk = one_way ? 1 : 1 / (double)cluster->nodes;
    const double messages =
        (double)(cluster->nodes - 1) * (one_way ? 1 : (double)(parts + 1));
    const double bytes = messages * chunk * (double)step->bytes / (double)step->buckets;
    return 1e-6 * cluster->latency_us * messages + 8e-9 * bytes / cluster->gbit;
}

/* When the last bucket has passed, counted from the end of the backward pass, if each
   leaves once it is known. */
static double least_exposed(int64_t buckets, double backward, double bucket)
{
    const double wait = backward / (double)buckets;
    double passed = -INFINITY;
    for (int64_t b = buckets - 1; b >= 0; b--)
        passed = fmax(passed, -(double)b * wait) + bucket;
    return passed;
}

static double exposed_seconds(const flo_scaling_step *step,
                              const flo_scaling_cluster *cluster, double backward,
                              double bucket)
{
    const double all = (double)step->buckets * bucket;
    const double least = least_exposed(step->buckets, backward, bucket);
    return all - cluster->overlap * (all - least);
}

double flo_scaling_overlap(int64_t buckets, double backward, double held,
                           double exposed)
{
    const double hideable =
        held - least_exposed(buckets, backward, held / (double)buckets);
    if (!(hideable > 1e-3 * held))
        return 1;
    return fmin(1, fmax(0, (held - exposed) / hideable));
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
