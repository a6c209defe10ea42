/* Splines of chosen columns whose raw parameters are the outputs of a network: the
   changed half of a spline coupling, and every column of a spline autoregressive map.
 */
#ifndef FLO_BIJECTIONS_CONDITIONED_SPLINES_H
#define FLO_BIJECTIONS_CONDITIONED_SPLINES_H

#include "bijections/column_splines.h"

/* How the outputs of a network [.., B] lie, of B rows of values with D columns. */
flo_spline_strides flo_conditioned_strides(int64_t B, int64_t D);

/* Sets the chosen columns of z and adds to logdet; the other columns are not touched.
   u [chosen columns, P, B] holds the outputs of the network, and then what backward
   takes. Inverse the same from z to x. Pure. Local. */
void flo_conditioned_splines_forward(const flo_column_splines *splines, int64_t B,
                                     flo_real *u, const flo_real *x, flo_real *z,
                                     double *logdet);
void flo_conditioned_splines_inverse(const flo_column_splines *splines, int64_t B,
                                     flo_real *u, const flo_real *z, flo_real *x,
                                     double *logdet);

/* Sets the chosen columns of dx, and du, the gradient of the outputs; du may be u.
   Pure. Local. */
void flo_conditioned_splines_backward(const flo_column_splines *splines, int64_t B,
                                      const flo_real *u, const flo_real *x,
                                      const flo_real *dz, const double *dlogdet,
                                      flo_real *dx, flo_real *du);

#endif
