/* z_j = exp(s_j) x_j + t_j: the kernels of every kind that scales and shifts columns.
 */
#ifndef FLO_BIJECTIONS_COLUMN_AFFINE_H
#define FLO_BIJECTIONS_COLUMN_AFFINE_H

#include "bijections/bijection.h"

/* Declares parameters log_scale [D], then shift [D], both starting at zero, and sets
   scratch: exp(log_scale) [D]. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_column_affine_declare(flo_bijection *self);

/* The slots of the table. */
void flo_column_affine_forward(const flo_bijection *self, const flo_real *theta,
                               const flo_pass *pass, const flo_real *x, flo_real *z,
                               double *logdet);
void flo_column_affine_inverse(const flo_bijection *self, const flo_real *theta,
                               const flo_pass *pass, const flo_real *z, flo_real *x,
                               double *logdet);
void flo_column_affine_backward(const flo_bijection *self, const flo_real *theta,
                                const flo_pass *pass, const flo_real *x,
                                const flo_real *dz, const double *dlogdet, flo_real *dx,
                                flo_real *dcontext, flo_real *dtheta);

#endif
