/* How fast a run is, against the machine's own rate of matrix products. */
#ifndef FLO_TRAIN_BENCH_H
#define FLO_TRAIN_BENCH_H

#include "train/trainer.h"

/* Shares of the time of a training step, which together are 1. */
typedef struct flo_bench_phases {
    double products;    /* matrix products */
    double elementwise; /* all other arithmetic of forward and backward */
    double optimizer;   /* norm, clip, update, average */
    double messages;    /* waiting for other ranks */
    double data;        /* waiting for rows */
} flo_bench_phases;

/* What is measured over all ranks and threads; rates are medians over rounds in which
   every piece has its turn. A multiply-add is two operations. */
typedef struct flo_bench {
    int ranks, threads; /* threads of a rank */
    int64_t parameters, batch, rounds;
    int64_t lanes, buckets;   /* that a gradient is exchanged in */
    double gemm_gflops;       /* of a thread by the BLAS at 512 x 512 x 512, all threads
                                 at once */
    double own_gflops;        /* the same of the products of the conditioners */
    double step_gflops;       /* of the products of a training step, while they run */
    double row_work;          /* multiply-adds of the density of a row, masked zero
                                 blocks not counted; training takes three times as many */
    double train_rows;        /* rows a second */
    double evaluate_rows;     /* of their log-densities */
    double sample_rows;       /* drawn */
    double train_fraction;    /* of gemm_gflops: necessary operations a second */
    double evaluate_fraction; /* the same */
    double sample_fraction;
    double step_seconds;
    flo_bench_phases phases;
    double exposed_seconds; /* of a step's exchange, on the rank that waits least */
    double held_seconds;    /* the same where it begins after the backward pass */
    double start_seconds;   /* from the program's start to the end of the first step */
    int64_t peak_bytes;     /* until then, of the rank that takes the most */
} flo_bench;

/* Measures the run of `options` (nothing of it is written) for about so many seconds;
   the program started at `began_seconds` of the clock. Collective. The errors of
   flo_trainer_create; agreed. */
FLO_MUST_USE flo_status flo_bench_measure(flo_comm *comm, flo_context *context,
                                          const flo_train_options *options,
                                          double began_seconds, double seconds,
                                          flo_bench *bench);

#endif
