/* Indices written as in numpy: 3, or a half-open range such as 0:3, 3: and :5. */
#ifndef FLO_CONFIG_INDEX_RANGE_H
#define FLO_CONFIG_INDEX_RANGE_H

#include "config/yaml.h"

/* Whether a scalar, quoted or not, is written as an index or a range among `total`:
   then it means first .. last - 1, which may be none, or beyond the total. Negative
   indices and steps are not understood. Pure. Local. */
bool flo_index_is_written(const flo_node *node, int64_t total, int64_t *first,
                          int64_t *last);

/* The same, and it names one or more of 0 .. total - 1. Pure. Local. */
bool flo_index_range(const flo_node *node, int64_t total, int64_t *first,
                     int64_t *last);

#endif
