/* The equation a + (s - 1) tanh a = y by Newton's method, which cannot fail on it.

   Both sides are odd, so y >= 0. The left side then rises with slopes between 1 and s,
   and is concave (s > 1) or convex (s < 1): a step from the side that the curve bends
   away from stays on that side, and comes nearer. So the steps go one way, up where s >
   1, and the first that does not is made of rounding: the root is reached. They start
   where tanh a <= min(a, 1) says that the root is not yet passed. */
#include "bijections/tanh_equation.h"

#include <math.h>

enum { MOST_STEPS = 100 }; /* 37 are the most that were seen, s from 1e-3 to 1e38 */

/* The left side at a >= 0, h = tanh a, as a sum of terms that do not cancel. */
static double left_side(double s, double a, double h)
{
    return s < 1 ? s * a + (1 - s) * (a - h) : a + (s - 1) * h;
}

/* The root for y >= 0. NaN never compares, so that it runs out of steps, as would a
   root that took more of them than were ever seen. */
static double solve(double s, double y)
{
    const double far = y - (s - 1); /* where tanh a = 1 */
    double a = s < 1 ? fmin(y / s, far) : fmax(y / s, far);
    for (int step = 0; step < MOST_STEPS; step++) {
        const double h = tanh(a);
        const double residual = left_side(s, a, h) - y;
        const double next = a - residual / flo_tanh_equation_slope(s, h);
        if (s < 1 ? next >= a : next <= a)
            return a;
        a = next;
    }
    return (double)NAN;
}

double flo_tanh_equation_root(double s, double y)
{
    return copysign(solve(s, fabs(y)), y);
}
