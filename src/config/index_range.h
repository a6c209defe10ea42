/* Indices written as in numpy: 3, or a half-open range such as 0:3, 3: and :5. */
#ifndef FLO_CONFIG_INDEX_RANGE_H
#define FLO_CONFIG_INDEX_RANGE_H

#include "config/yaml.h"

/* Whether a scalar, quoted or not, names one or more of 0 .. total - 1: then they are
 *first .. *last - 1. Negative indices and steps are not understood. Pure. Local. */
bool flo_index_range(const flo_node *node, int64_t total, int64_t *first,
                     int64_t *last);

#endif
