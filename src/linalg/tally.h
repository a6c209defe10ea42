/* What the matrix products of a thread come to: multiply-adds and time. For
   benchmarks; where nobody counts, a product costs one test more. */
#ifndef FLO_LINALG_TALLY_H
#define FLO_LINALG_TALLY_H

#include <stdbool.h>

typedef struct flo_tally {
    bool timed;     /* also the seconds: two looks at the clock a product */
    double work;    /* multiply-adds of all products */
    double seconds; /* spent in them */
} flo_tally;

/* From here on the products of the calling thread count in `tally` (borrowed); NULL:
   nowhere, as at first. Local. */
void flo_tally_products(flo_tally *tally);

/* For the products themselves: begin gives the tally of this thread, or NULL, and the
   time; end adds a product of so many multiply-adds. Local. */
flo_tally *flo_tally_begin(double *began);
void flo_tally_end(flo_tally *tally, double began, double work);

#endif
