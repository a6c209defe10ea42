/* For tests: a plan of N rows, V lanes, batch B, in blocks of the same number of rows.
 */
#ifndef FLO_TESTS_DATA_PLAN_H
#define FLO_TESTS_DATA_PLAN_H

#include "data/lanes.h"

#define PLAN(N_, V_, B_, block_, window_, seed_)                                       \
    {                                                                                  \
        .rows = (N_), .lanes = (V_), .batch = (B_), .block_rows = (block_),            \
        .window_rows = (window_), .seed = (seed_)                                      \
    }

#endif
