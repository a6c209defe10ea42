/* The ranges of numbers that pass through a flow, column by column: whether its layers
   fit together. */
#ifndef FLO_FLOW_RANGES_H
#define FLO_FLOW_RANGES_H

#include "flow/flow.h"

/* Refuses a flow in which a layer is given numbers that it does not take (but by data
   through layers without parameters, which is checked number by number), or the base
   density numbers that are only a part of its support (the density would not integrate
   to 1); the layers of the context too. The error stands at a section of `root`. Local.
   FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_ranges_check(const flo_flow *flow, const flo_node *root);

/* Whether layers first .. last - 1 hold one that takes a part of the line only. Pure.
   Local. */
bool flo_ranges_are_limited(const flo_layer *layer, int64_t first, int64_t last);

#endif
