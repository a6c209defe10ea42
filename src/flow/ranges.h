/* The ranges of numbers that pass through a flow: whether its layers fit together, and
   whether the data fits its first ones. */
#ifndef FLO_FLOW_RANGES_H
#define FLO_FLOW_RANGES_H

#include "flow/flow.h"

/* Refuses a flow in which a layer is given numbers that it does not take, or the base
   density numbers that are only a part of its support (the density would not integrate
   to 1). The error stands at `node`. Local. FLO_ERROR_CONFIG. */
FLO_MUST_USE flo_status flo_ranges_check(const flo_flow *flow, const flo_node *node);

/* Whether one of the layers that data meets first, those without parameters, takes a
   part of the line only. Local. */
bool flo_ranges_are_limited(const flo_flow *flow);

/* Refuses data that the first layers, those without parameters, do not take: they
   increase in every column, so the least and the greatest number of each, low [D] and
   high [D], tell. `name` of the data set is for the message. After flo_flow_fit. Local.
   FLO_ERROR_DATA, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_ranges_check_data(const flo_flow *flow, const char *name,
                                              const double *low, const double *high);

#endif
