/* The reconstruction error of a flow: how far rows come back from where they started
   after the way to noise and back, max |x - inverse(forward(x))|. */
#ifndef FLO_TRAIN_RECONSTRUCTION_H
#define FLO_TRAIN_RECONSTRUCTION_H

#include "comm/comm.h"
#include "data/rows.h"
#include "flow/tiles.h"

enum { FLO_RECONSTRUCTION_ROWS = 10000 };

/* Above it a flow's samples and densities do not belong together. */
#define FLO_RECONSTRUCTION_LIMIT 1e-3

typedef struct flo_reconstruction {
    int64_t rows; /* looked at: those of the first 10,000 with weight and probability
                     above 0 and no missing value */
    double error; /* in standard deviations of the column over these rows, of a constant
                     column in its absolute value (or 1); infinite where a value is not
                     finite */
    int64_t row, column; /* where, of the split; -1 if no row was looked at */
} flo_reconstruction;

/* Sends the first rows to noise and back; of whole numbers with noise on them, these
   (flo_tiles_reconstruct). The same on all ranks, and on any number of
   them. Collective. FLO_ERROR_FILE, FLO_ERROR_DATA, FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_reconstruct(flo_comm *comm, flo_context *context,
                                        flo_tiles *tiles, const flo_real *theta,
                                        flo_rows *rows,
                                        flo_reconstruction *reconstruction);

#endif
