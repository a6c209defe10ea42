/* The scalar equation a + (s - 1) tanh a = y, which inverts planar and Sylvester flows.
 */
#ifndef FLO_BIJECTIONS_TANH_EQUATION_H
#define FLO_BIJECTIONS_TANH_EQUATION_H

#include <stdbool.h>

/* Solves for *a to the precision of a double, s at least FLO_POSITIVE_SMALLEST. False
   (and *a NaN) where y or s is not finite; for all others it converges. Pure, bounded
   in time. Local. */
bool flo_tanh_equation_solve(double s, double y, double *a);

/* The derivative of the left side by a, from h = tanh a: s (1 - h^2) + h^2, in a form
   that does not cancel. Positive. */
static inline double flo_tanh_equation_slope(double s, double h)
{
    return s * (1 - h) * (1 + h) + h * h;
}

#endif
