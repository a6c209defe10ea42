/* What the matrix products of a thread come to. */
#include "linalg/tally.h"

#include "core/clock.h"

#include <stddef.h>

/* By thread, since lanes are computed side by side; not an argument, since every kernel
   would have to hand it on. */
static _Thread_local flo_tally *current;

void flo_tally_products(flo_tally *tally)
{
    current = tally;
}

flo_tally *flo_tally_begin(double *began)
{
    *began = current && current->timed ? flo_seconds() : 0;
    return current;
}

void flo_tally_end(flo_tally *tally, double began, double work)
{
    if (tally->timed)
        tally->seconds += flo_seconds() - began;
    tally->work += work;
}
