/* Which numbers a layer takes and gives. */
#ifndef FLO_CORE_RANGE_H
#define FLO_CORE_RANGE_H

typedef enum flo_range {
    FLO_WHOLE_LINE, /* the default of every table */
    FLO_POSITIVE,
    FLO_UNIT_INTERVAL, /* between 0 and 1, the ends excluded */
    FLO_ANY_RANGE      /* takes numbers of any range, and gives the same range */
} flo_range;

#endif
