/* Inside src/cli: whether a normal fits a column better once it is bent. */
#ifndef FLO_CLI_INIT_GAIN_H
#define FLO_CLI_INIT_GAIN_H

#include "cli/init_columns.h"

/* What a row gains in log-likelihood where the column is prepared as `bent` says, over
   the normal of its own mean and deviation: mean over the sample x [n] and *error, its
   standard error. Normals of bent numbers are fitted to one half of the sample and
   score the other. -INFINITY where so few rows cannot tell. Pure. Local. */
double flo_init_gain(const flo_column_profile *profile, const flo_init_column *bent,
                     int64_t n, const double *x, double *error);

#endif
