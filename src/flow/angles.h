/* Columns that are angles, on their way through a flow: from the `angle` step that
   makes them on, every layer must keep them on their circle. */
#ifndef FLO_FLOW_ANGLES_H
#define FLO_FLOW_ANGLES_H

#include "flow/flow.h"

/* After layer was made at `node`: refuses it where a column comes as an angle and would
   leave as something else; then *angles [D] (NULL: no column is one) becomes what the
   columns are behind it. A layer without learned parameters that depends on which
   columns are angles remembers its constants. Local. FLO_ERROR_CONFIG,
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_angles_pass(flo_arena *arena, const flo_node *node,
                                        int64_t features, flo_layer *layer,
                                        const bool **angles);

/* What a whole turn adds to a column of the data that the first layers take for an
   angle, as those of data.period do; 0: it is none, or another layer comes first. Pure.
   Local. */
double flo_angles_turn(const flo_flow *flow, int64_t column);

/* Refuses constants from a file by which other columns would be angles than those that
   the flow was built for. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_angles_check(flo_context *context, const flo_layer *layer,
                                         const double *constants);

#endif
