/* Which numbers a layer takes and gives. */
#ifndef FLO_CORE_RANGE_H
#define FLO_CORE_RANGE_H

typedef enum flo_range {
    FLO_WHOLE_LINE, /* the default of every table */
    FLO_POSITIVE,
    FLO_UNIT_INTERVAL, /* between 0 and 1, the ends excluded */
    FLO_INTERVAL,      /* between two numbers that the layer knows, excluded */
    FLO_WHOLE_NUMBERS, /* from one whole number that the layer knows to another */
    FLO_ANY_RANGE,     /* takes numbers of any range, and gives the same range */
    FLO_MIXED_RANGES   /* of columns that change places: not all of one range */
} flo_range;

#endif
