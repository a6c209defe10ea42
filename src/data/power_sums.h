/* Inside src/data: sums of powers of the columns of a table that may have gaps. */
#ifndef FLO_DATA_POWER_SUMS_H
#define FLO_DATA_POWER_SUMS_H

#include <stdint.h>

enum {
    FLO_POWERS = 4,
    FLO_GROUP_ROWS = 4 /* rows that are added at once: part of the order of the sums */
};

/* What is kept of columns [C]; the caller makes the arrays. Counts and extremes do not
   depend on the order of rows, sums do. */
typedef struct flo_power_sums {
    const double *shift;     /* [C], near the numbers */
    double *sum[FLO_POWERS]; /* [C] each: sums of (x - shift)^p, p = 1 .. 4 */
    double *low, *high;      /* [C] */
    int64_t *nan, *infinite; /* [C] */
    int64_t *zeros;          /* [C] */
    double *zeros_of_call;   /* [C] scratch */
} flo_power_sums;

/* Adds rows x [rows, C], rows < 2^24, in groups of FLO_GROUP_ROWS from the first: where
   all calls but the last bring whole groups, sums are the same bits however the rows
   are cut into calls. NaN and infinities are counted and left out. Pure. Local. */
void flo_power_sums_add(int64_t rows, int64_t columns, const double *x,
                        const flo_power_sums *sums);

#endif
