/* The equation a + (s - 1) tanh a = y: Newton's method inside a bracket.

   Both sides are odd, so y >= 0. The left side then rises with slopes between 1 and s,
   and is concave (s > 1) or convex (s < 1). Newton's steps from the end of the bracket
   that the curve bends away from approach the root from that side alone; where rounding
   throws one out of the bracket, the bracket is halved. */
#include "bijections/tanh_equation.h"

#include <float.h>
#include <math.h>

enum { MOST_STEPS = 100 }; /* 36 are the most that were seen */

/* The root for y >= 0; NaN where there is none. */
static double solve(double s, double y)
{
    const double m = s - 1;
    /* As tanh a <= min(a, 1): the root lies between y and `at`. */
    double at = m < 0 ? fmin(y / s, y - m) : fmax(y / s, y - m);
    double low = fmin(y, at), high = fmax(y, at);
    for (int step = 0; step < MOST_STEPS; step++) {
        const double h = tanh(at);
        const double slope = flo_tanh_equation_slope(s, h);
        const double residual = at + m * h - y;
        if (fabs(residual) <= DBL_EPSILON * (at + fabs(m) * h) + DBL_MIN * slope)
            return at;
        if (residual > 0)
            high = at;
        else
            low = at;
        double next = at - residual / slope;
        if (!(next > low && next < high))
            next = low + (high - low) / 2;
        if (next <= low || next >= high) /* nothing lies between */
            return at;
        at = next;
    }
    return (double)NAN;
}

bool flo_tanh_equation_solve(double s, double y, double *a)
{
    const bool possible = isfinite(s) && isfinite(y);
    *a = possible ? copysign(solve(s, fabs(y)), y) : (double)NAN;
    return !isnan(*a);
}
