/* Splines of chosen columns whose raw parameters are learned numbers, the same for all
   rows: what elementwise_spline is, and the identity half of a spline coupling. */
#ifndef FLO_BIJECTIONS_COLUMN_SPLINES_H
#define FLO_BIJECTIONS_COLUMN_SPLINES_H

#include "bijections/spline.h"

/* `column` [count] says which of D columns. */
typedef struct flo_column_splines {
    const flo_spline_settings *settings;
    int64_t features, count;
    const int32_t *column;
} flo_column_splines;

/* theta [count, P]. Sets the chosen columns of z and adds to logdet; the other columns
   are not touched. Inverse the same from z to x. Pure. Local. */
void flo_column_splines_forward(const flo_column_splines *splines,
                                const flo_real *theta, int64_t B, const flo_real *x,
                                flo_real *z, double *logdet);
void flo_column_splines_inverse(const flo_column_splines *splines,
                                const flo_real *theta, int64_t B, const flo_real *z,
                                flo_real *x, double *logdet);

/* Sets the chosen columns of dx; adds to dtheta. Pure. Local. */
void flo_column_splines_backward(const flo_column_splines *splines,
                                 const flo_real *theta, int64_t B, const flo_real *x,
                                 const flo_real *dz, const double *dlogdet,
                                 flo_real *dx, flo_real *dtheta);

#endif
