/* bench --predict: a cluster from its option, and what a run would do there. */
#ifndef FLO_CLI_PREDICT_H
#define FLO_CLI_PREDICT_H

#include "cli/cli.h"
#include "train/bench.h"
#include "train/scaling.h"

/* Fills the cluster from "nodes=16,ranks=8,gbit=25,latency_us=5,overlap=1": keys may be
   left out (defaults are in predict.c), or a usage error. ranks 0 and overlap -1: those
   of the run. */
error_t flo_cli_cluster(const struct argp_state *state, const char *text,
                        flo_scaling_cluster *cluster);

/* Prints strong and weak scaling over 1, 2, 4 .. nodes, and what is assumed. */
void flo_cli_print_scaling(const flo_bench *bench, const flo_scaling_cluster *cluster);

/* The same as one JSON object, without what is assumed. */
void flo_cli_print_scaling_json(const flo_bench *bench,
                                const flo_scaling_cluster *cluster);

#endif
