/* What a step would take on a cluster: a model of latency and bandwidth, from what a
   step takes here. Pure. */
#ifndef FLO_TRAIN_SCALING_H
#define FLO_TRAIN_SCALING_H

#include <stdint.h>

/* A step as measured, of one rank. */
typedef struct flo_scaling_step {
    double row_seconds;    /* forward and backward of a row */
    double update_seconds; /* clip, optimizer, average: as many there as here */
    double backward;       /* share of row_seconds in which gradients become known */
    int64_t bytes;         /* of the gradient */
    int64_t buckets;       /* of it, taken as equal */
    int64_t lanes;
    int threads; /* of a rank */
} flo_scaling_step;

/* Nodes alike, each with one link to all others. */
typedef struct flo_scaling_cluster {
    int64_t nodes, ranks; /* ranks of a node */
    double gbit;          /* a second, of a node's link, in each direction */
    double latency_us;    /* of every message that leaves a node */
    double overlap; /* of what the backward pass can hide, the part that it does. 1: a
                       bucket leaves once its gradient is known, and passes as if the
                       rank did nothing else; 0: all leave after the pass */
} flo_scaling_cluster;

typedef struct flo_scaling_point {
    double compute_seconds;  /* of the rank with the most rows, update included */
    double exchange_seconds; /* of all messages of a step, one after the other */
    double exposed_seconds; /* the part of these that the backward pass does not hide */
    double step_seconds;    /* compute and exposed */
} flo_scaling_point;

/* The model, of steps of `rows` rows on the whole cluster:
   - a rank computes the rows of its lanes (where there are fewer lanes than ranks and
     threads, more of them, even ones) at the measured rate, whatever their number;
   - a bucket is exchanged as comm/exchange.h does it: a node sends n pieces of the
     bucket to the owners of chunks, n the nodes of the lane tree that its ranks hold
     together, and the sum of its own chunk to all (two nodes of one part each send the
     whole bucket in one message instead, as many bytes); its ranks share that evenly,
     and each pays a latency a message, one after the other;
   - what ranks of a node do with each other is part of the measured step, where that
     had several ranks, and costs nothing else;
   - buckets are known at equal distances in the backward pass, and pass one at a time;
   - the meeting of all ranks at the end of a step takes a latency a doubling of nodes,
     never hidden. */
flo_scaling_point flo_scaling_predict(const flo_scaling_step *step,
                                      const flo_scaling_cluster *cluster, double rows);

/* The overlap of a run that waited `exposed` seconds a step for its buckets, and `held`
   where all left after a backward pass of `backward` seconds; 1 where there was nothing
   to hide. From 0 to 1. Pure. */
double flo_scaling_overlap(int64_t buckets, double backward, double held,
                           double exposed);

#endif
