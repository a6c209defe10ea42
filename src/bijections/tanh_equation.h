/* The scalar equation a + (s - 1) tanh a = y, which inverts planar and Sylvester flows.
 */
#ifndef FLO_BIJECTIONS_TANH_EQUATION_H
#define FLO_BIJECTIONS_TANH_EQUATION_H

/* The root a, to the precision of a double; s at least FLO_POSITIVE_SMALLEST. NaN where
   y or s is not finite; for all others it converges. Pure, bounded in time. Local. */
double flo_tanh_equation_root(double s, double y);

/* The derivative of the left side by a, from h = tanh a: s (1 - h^2) + h^2, in a form
   that does not cancel. Positive. */
static inline double flo_tanh_equation_slope(double s, double h)
{
    return s * (1 - h) * (1 + h) + h * h;
}

#endif
