/* Log-likelihood of rows over all ranks, the same bits on any number of them. */
#ifndef FLO_TRAIN_EVALUATE_H
#define FLO_TRAIN_EVALUATE_H

#include "comm/comm.h"
#include "data/rows.h"
#include "flow/tiles.h"
#include "train/unscored.h"

typedef struct flo_evaluation {
    int64_t rows;              /* with weight above 0 and no missing value */
    int64_t nonfinite;         /* of them, those whose log_prob is not finite */
    double log_likelihood;     /* weighted mean, nats a row; -infinity if a row has
                                  probability zero, NaN if one could not be computed */
    double finite;             /* the mean over the rows with a finite log_prob */
    double finite_error;       /* its standard error */
    double preprocessed;       /* the same of what `preprocess` gives: without the
                                  log-determinants of its layers */
    double bits;               /* -log_likelihood / (D log 2): bits a dimension */
    double standard_error;     /* of the mean */
    double preprocessed_error; /* of that of what `preprocess` gives */
    double lowest;             /* the lowest log_prob */
    int64_t lowest_row;        /* and its row of the split (flo_rows_file_row) */
    int64_t trimmed_rows;      /* the lowest 0.01 % of the rows (at most 10,000) */
    double trimmed;            /* weighted mean without them */
    flo_unscored unscored;     /* rows without a finite log_prob */
} flo_evaluation;

/* Evaluates all rows. Collective. FLO_ERROR_FILE, FLO_ERROR_DATA, FLO_ERROR_MEMORY;
   agreed. */
FLO_MUST_USE flo_status flo_evaluate(flo_comm *comm, flo_context *context,
                                     flo_tiles *tiles, const flo_real *theta,
                                     flo_rows *rows, flo_evaluation *evaluation);

/* log_prob of all rows, in order, into data set `log_prob` [N] (double) of a new file,
   whose attribute `files` names the files of the rows; where these are a part of a file
   or lie in several, also `row` [N], the number of each in its file, and of several
   `file` [N], an index into `files`. Written by rank 0. `source` says what made it.
   Collective. FLO_ERROR_USAGE (it exists and force is false), FLO_ERROR_FILE,
   FLO_ERROR_DATA; agreed. */
FLO_MUST_USE flo_status flo_log_prob_to_file(flo_comm *comm, flo_context *context,
                                             flo_tiles *tiles, const flo_real *theta,
                                             flo_rows *rows, const char *path,
                                             bool force, const char *source,
                                             flo_unscored *unscored);

#endif
