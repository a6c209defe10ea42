/* Correlations of the columns of a split over all ranks, drawn to none where rows are
   few against columns; the same bits on any number of ranks and threads. */
#ifndef FLO_TRAIN_COVARIANCE_H
#define FLO_TRAIN_COVARIANCE_H

#include "data/statistics.h"

enum { FLO_COVARIANCE_COLUMNS = 8192 }; /* more take too much memory and time */

/* The C context columns come first, then the D features: so the last D rows of the
   factor are the features under their context. */
typedef struct flo_covariance {
    int64_t context, features, columns; /* C, D, their sum n */
    int64_t size;                       /* m: n up to whole tiles */
    int64_t rows;                       /* looked at, with weight above 0 */
    double shrinkage;                   /* of correlations, 0 to 1 */
    double *mean, *deviation;           /* [n]; deviation 1 of a constant column */
    double *factor;                     /* [m, m] L, L L^T the correlations */
    double *inverse;                    /* [m, m] L^-1 */
} flo_covariance;

/* What is asked for. */
typedef struct flo_covariance_task {
    flo_rows *rows;
    const flo_row_map *map;           /* NULL: none */
    const flo_statistics *statistics; /* of what the map gives */
    bool context;                     /* with the context columns */
    const double *noise; /* [D], variance that is added to each feature; NULL: none */
    int threads;
} flo_covariance_task;

/* Correlations around the statistics' means, of all rows or, where that takes more than
   2^38 products or 2^22 rows, of the first rows of parts that cover the split evenly.
   Correlations r become (1 - s) r, s that of the greatest likelihood of each row under
   the others (Theiler 2012, doi:10.1117/12.918718, mean leave-one-out), at least 1e-7
   so that copied columns have a density. The caller frees it by
   flo_covariance_free. Collective. FLO_ERROR_FILE, FLO_ERROR_DATA, FLO_ERROR_MEMORY
   (also of more than FLO_COVARIANCE_COLUMNS columns), agreed on. */
FLO_MUST_USE flo_status flo_covariance_collect(flo_comm *comm, flo_context *context,
                                               const flo_covariance_task *task,
                                               flo_covariance *covariance);
void flo_covariance_free(flo_context *context, flo_covariance *covariance);

#endif
