/* Whole numbers: the lesser, the greater, and division that rounds up. */
#ifndef FLO_CORE_INTEGERS_H
#define FLO_CORE_INTEGERS_H

#include <stdint.h>

static inline int64_t flo_lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t flo_greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ceil(a / b) of a >= 0, b > 0, without overflow. */
static inline int64_t flo_divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

#endif
