/* The figures to beat: the log-likelihood of two normals fitted to the training rows,
   in the data's own units. */
#ifndef FLO_TRAIN_NORMALS_H
#define FLO_TRAIN_NORMALS_H

#include "train/covariance.h"
#include "train/trainer.h"

enum { FLO_NORMALS_WHY = 200 };

/* Two normals of the columns: independent ones, and one of all correlations, these
   drawn to 0 where rows are few (covariance.h). Under context columns their means move
   with them by linear regression. Whole numbers that the flow dequantizes are x + u,
   and figures are the mean over u, exactly: what the flow's own figure estimates. */
typedef struct flo_normals {
    flo_statistics statistics;
    flo_covariance covariance; /* factor NULL: without correlations */
    double *noise;             /* [D]: 1/12 of a column of x + u, else 0 */
    bool fitted, correlated;   /* whether there is the one, and the other */
    char why[FLO_NORMALS_WHY]; /* not, in words */
} flo_normals;

/* Mean log-likelihoods in nats a row, with their standard errors; NaN where there is no
   such normal. */
typedef struct flo_normal_figures {
    double independent, independent_error;
    double full, full_error;
    double shrinkage; /* of the full one's correlations */
} flo_normal_figures;

/* Fits both to the training rows. What cannot be fitted is said in `why`, and is no
   error. The same bits on any number of ranks and threads. Collective. FLO_ERROR_FILE,
   FLO_ERROR_DATA, FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_normals_fit(flo_trainer *trainer, flo_normals *normals);
void flo_normals_free(flo_trainer *trainer, flo_normals *normals);

/* Their figures on the rows of a split, with its weights. Collective. Errors as above.
 */
FLO_MUST_USE flo_status flo_normals_score(flo_trainer *trainer,
                                          const flo_normals *normals, flo_rows *rows,
                                          flo_normal_figures *figures);

#endif
