/* Sizes of a flow and of its training.

   The flow starts as the full normal of the training rows (whiten), so that fewer rows
   need only mean a smaller flow, which leaves it less far. */
#include "cli/init_sizes.h"

#include "core/integers.h"

#include <math.h>

/* Rows a column from which on the next larger flow gains on held-out rows. */
static const double enough_for_splines = 10, enough_for_couplings = 40,
                    enough_for_large = 200;
static const double most_splined = 32; /* columns */
/* What two cores do in the ten seconds between lines of a report. */
static const double operations_of_report = 2e11;
/* Rows validated, which cost a third, to those trained on. */
static const double most_validated = 0.3;

static double fraction_of(int64_t rows)
{
    return rows >= 100 ? 0.1 : rows >= 40 ? 0.2 : 0;
}

static flo_init_flow choose_flow(double rows, double features)
{
    const double of_column = rows / features;
    if (features < 2)
        return rows >= 40 ? FLO_INIT_SPLINES : FLO_INIT_AFFINE;
    if (of_column < enough_for_splines || rows < 100)
        return FLO_INIT_AFFINE;
    if (of_column < enough_for_couplings)
        return FLO_INIT_SPLINES;
    if (of_column < enough_for_large)
        return FLO_INIT_SMALL;
    return features <= most_splined ? FLO_INIT_LARGE : FLO_INIT_WIDE;
}

static void choose_network(double rows, int64_t features, flo_init_sizes *s)
{
    const bool large = s->flow >= FLO_INIT_LARGE;
    if (s->flow == FLO_INIT_SPLINES)
        s->bins = rows >= 2000 ? 16 : rows >= 400 ? 8 : 4;
    else
        s->bins = large ? 8 : 4;
    s->steps_of_flow = !large ? 3 : s->flow == FLO_INIT_WIDE && rows >= 10000 ? 8 : 5;
    s->width = !large           ? 16
               : rows >= 100000 ? (features >= 32 ? 256 : 128)
               : rows >= 10000  ? 64
                                : 32;
}

/* Multiply-adds and their like of one row, forward and backward. */
static double operations_of_row(double features, const flo_init_sizes *s)
{
    const double width = (double)s->width, steps = (double)s->steps_of_flow;
    const double white = features <= FLO_INIT_WHITENED ? 2 * features * features : 0;
    if (s->flow < FLO_INIT_SMALL)
        return white + 200 * features;
    const double mixing = features <= 512 ? 6 * features * features : 0;
    return white + steps * (mixing + 6 * width * (2 * features * 2 + 4 * width) +
                            100 * features);
}

static void choose_training(double rows, int64_t features, flo_init_sizes *s)
{
    const bool still = s->flow == FLO_INIT_AFFINE;
    s->batch = rows >= 16000  ? 512
               : rows >= 1600 ? 128
               : rows >= 80   ? 32
               : rows >= 30   ? 8
                              : flo_greater(1, (int64_t)rows / 2);
    s->lanes = flo_lesser(16, s->batch);
    const double epochs = 60 * rows / (double)s->batch;
    s->steps = still ? 200 : (int64_t)fmin(fmax(epochs, 1000), 20000);
    s->steps = s->steps / 100 * 100;
    /* A single column has few parameters, and a long way to go with them. */
    s->learning_rate = still ? 1e-4 : features == 1 ? 1e-2 : 1e-3;
    s->average = still ? 0 : s->steps >= 5000 ? 0.999 : 0.99;
    /* The first validation, while rates are small, is nearly of the normal itself:
       where no later one is better, that is what is kept. */
    const double seldom = rows * s->fraction / most_validated / (double)s->batch;
    s->validate_every =
        (int64_t)fmin(fmax(seldom, (double)s->steps / 100), (double)s->steps / 20);
    const double step = (double)s->batch * operations_of_row((double)features, s);
    s->report_every =
        (int64_t)fmax(1, fmin((double)s->steps / 100, operations_of_report / step));
}

void flo_init_find_sizes(int64_t rows, int parts, int64_t features, flo_init_sizes *s)
{
    *s = (flo_init_sizes){.fraction = fraction_of(rows)};
    const double left = (double)rows * (1 - parts * s->fraction);
    s->flow = choose_flow(left, (double)features);
    choose_network(left, features, s);
    choose_training(left, features, s);
}
