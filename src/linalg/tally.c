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

static bool same_shape(const flo_product_shape *a, const flo_product_shape *b)
{
    return a->left_transposed == b->left_transposed &&
           a->right_transposed == b->right_transposed && a->rows == b->rows &&
           a->columns == b->columns && a->inner == b->inner;
}

static void count_shape(flo_tally *tally, const flo_product_shape *shape)
{
    int64_t i = 0;
    while (i < tally->shapes && !same_shape(&tally->shape[i], shape))
        i++;
    if (i == FLO_TALLY_SHAPES)
        return;
    if (i == tally->shapes)
        tally->shape[tally->shapes++] = *shape;
    tally->calls[i]++;
}

void flo_tally_end(flo_tally *tally, double began, double work,
                   const flo_product_shape *shape)
{
    if (tally->timed)
        tally->seconds += flo_seconds() - began;
    tally->work += work;
    if (shape)
        count_shape(tally, shape);
}
