/* The objective table: what training maximises, in nats a row.

   A kind gives each row a value (a log-likelihood, an evidence bound); the loss of a
   batch is minus the weighted mean value. Derivatives are of the plain sum, minus
   weight times value: the division by the total weight comes once, after the sum over
   lanes. */
#ifndef FLO_OBJECTIVE_OBJECTIVE_H
#define FLO_OBJECTIVE_OBJECTIVE_H

#include "flow/workspace.h"

typedef struct flo_objective flo_objective;

/* Which rows of which step a lane has, for random numbers. */
typedef struct flo_rows_place {
    uint64_t step;
    int64_t first_row; /* number of the lane's first row in the global batch */
} flo_rows_place;

/* What a lane adds to the sums of a batch. */
typedef struct flo_lane_result {
    double value;      /* sum of weight times value */
    double weight;     /* sum of weights */
    int64_t nonfinite; /* rows whose value is not finite */
} flo_lane_result;

typedef struct flo_objective_kind {
    const char *name;
    const char *value_name; /* of a row's value in reports: "log_likelihood" */
    const flo_settings *settings;
    flo_direction direction; /* of the flows that it can train */
    bool uses_data;          /* rows and weights come from the data set */

    /* Reads the settings; sets features where the objective knows them.
       FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
    flo_status (*configure)(flo_objective *self, flo_arena *arena, flo_node *node);
    /* With rows, context and weights in the workspace (where it uses data): runs the
       flow forward and fills log_prob [B] with the values. */
    void (*forward)(const flo_objective *self, const flo_flow *flow,
                    const flo_real *theta, flo_workspace *workspace,
                    flo_rows_place place);
    /* Sets gradient[0], by the flow's output, and dlogdet; adds to dbase, the slice of
       the base density, as its backward does in the workspace's pass. */
    void (*backward)(const flo_objective *self, const flo_flow *flow,
                     const flo_real *theta, flo_workspace *workspace, flo_real *dbase);
} flo_objective_kind;

struct flo_objective {
    const flo_objective_kind *kind;
    int64_t features; /* of the target; 0 where the data says */
    void *state;
};

/* All kinds, ending in NULL. Static storage. */
extern const flo_objective_kind *const flo_objective_kinds[];

/* Makes the objective of config section `objective` (added with its default,
   likelihood, where there is none). The arena owns it. Local. FLO_ERROR_CONFIG,
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_objective_create(flo_arena *arena, flo_node *root,
                                             flo_objective **objective);

/* Refuses a flow that the objective cannot train: another direction, or a base with
   parameters under reverse KL. Local. FLO_ERROR_CONFIG. */
FLO_MUST_USE flo_status flo_objective_check(const flo_objective *objective,
                                            flo_arena *arena, flo_node *root,
                                            const flo_flow *flow);

/* The sums over the rows of a workspace after forward; rows of weight 0 do not count.
 */
flo_lane_result flo_objective_sum(const flo_workspace *workspace);

#endif
