/* The normaliser of Student's t, without the cancellation of two log-gammas. */
#ifndef FLO_DENSITIES_GAMMA_RATIO_H
#define FLO_DENSITIES_GAMMA_RATIO_H

/* h(x) = log Gamma(x + 1/2) - log Gamma(x) - log(x) / 2 for x > 0, and h'(x), each to a
   few 1e-15 of itself or of 1, the larger. h -> 0 for large x. NaN gives NaN. Pure.
   Local. */
double flo_gamma_ratio(double x);
double flo_gamma_ratio_slope(double x);

#endif
