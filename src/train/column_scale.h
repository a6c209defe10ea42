/* Where the numbers of a column lie against what flo_real holds. */
#ifndef FLO_TRAIN_COLUMN_SCALE_H
#define FLO_TRAIN_COLUMN_SCALE_H

#include "bijections/bijection.h"

typedef enum flo_lost { FLO_LOST_NOTHING, FLO_LOST_DIGITS, FLO_LOST_RANGE } flo_lost;

/* Rows hold (number - origin) * factor; factor is a power of two, and of whole numbers
   the origin is whole. */
typedef struct flo_column_scale {
    double origin, factor; /* 0 and 1: numbers as they are */
    double low, high;      /* quartiles */
    bool whole;            /* all numbers of the sample are */
    int lost;              /* flo_lost: what origin and factor leave to lose */
} flo_column_scale;

/* Of a sample value [n] of the column, which is sorted on the way; numbers that are not
   finite do not count. An origin is chosen where flo_real would round numbers by more
   than 1e-5 of the distance between the quartiles, or merge whole numbers that lie so
   close that it holds all of them beside a whole origin; a factor where it would come
   to its largest or smallest numbers; each as far as `shifts` lets. Pure. Local. */
flo_column_scale flo_column_scale_find(int64_t n, double *value, flo_shifts shifts);

#endif
