/* log Gamma(x + 1/2) - log Gamma(x) - log(x) / 2 by recurrence and asymptotic series.

   For y >= 10:  h(y) = -sum_k c_k y^(1-2k),  c_k = (1 - 4^-k) B_2k / (k (2k - 1)), B
   the Bernoulli numbers: Stirling's series at y + 1/2 and y (Tricomi & Erdelyi 1951,
   Pacific J. Math. 1, 133). Below, Gamma(x + 1) = x Gamma(x) leads there in at most ten
   steps: h(x) = h(x + n) + log(sqrt((x + n) / x) prod_{i<n} (x + i) / (x + i + 1/2)).
 */
#include "densities/gamma_ratio.h"

#include <math.h>

enum { TERMS = 7 };

/* -c_k, k = 1 .. 7; the first left out is below 3e-16 at y = 10. */
static const double terms[TERMS] = {-1.0 / 8,        1.0 / 192,     -1.0 / 640,
                                    17.0 / 14336,    -31.0 / 18432, 691.0 / 180224,
                                    -5461.0 / 425984};
static const double series_from = 10;

double flo_gamma_ratio(double x)
{
    double y = x, product = 1;
    for (; y < series_from; y++)
        product *= y / (y + 0.5);
    const double q = 1 / (y * y);
    double sum = 0;
    for (int k = TERMS - 1; k >= 0; k--)
        sum = sum * q + terms[k];
    return sum / y + log(product * sqrt(y / x));
}

/* h'(y) = sum_k (2k - 1) c_k y^(-2k); each step adds 1/2 / ((x + i) (x + i + 1/2)), and
   the root (1 / y - 1 / x) / 2. */
double flo_gamma_ratio_slope(double x)
{
    double y = x, steps = 0;
    for (; y < series_from; y++)
        steps += 0.5 / (y * (y + 0.5));
    const double q = 1 / (y * y);
    double sum = 0;
    for (int k = TERMS - 1; k >= 0; k--)
        sum = sum * q - (2 * k + 1) * terms[k];
    return sum * q + steps - 0.5 * (y - x) / (x * y);
}
