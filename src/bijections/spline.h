/* Monotone rational-quadratic splines of single numbers (Gregory & Delbourgo 1982;
   Durkan et al. 2019, arXiv 1906.04032), with the identity outside [-bound, bound].

   An element has 3 K - 1 raw parameters: K of bin widths, K of bin heights, K - 1 of
   the slopes at the inner knots; at zero they give the identity. Widths and heights are
   2 bound (m + (1 - m K) softmax), slopes m' + softplus(raw + c), the outer slopes 1.
 */
#ifndef FLO_BIJECTIONS_SPLINE_H
#define FLO_BIJECTIONS_SPLINE_H

#include "config/settings.h"
#include "flotilla/real.h"

enum { FLO_SPLINE_MOST_BINS = 64 };

typedef struct flo_spline_settings {
    int64_t bins;      /* K */
    double tail_bound; /* the spline acts on [-bound, bound] */
} flo_spline_settings;

/* MEMBER is the path of the settings in OWNER, with its dot: "spline."; may be empty.
 */
#define FLO_SPLINE_ROWS(OWNER, MEMBER)                                                 \
    {.name = "bins",                                                                   \
     .type = FLO_INTEGER,                                                              \
     .offset = offsetof(OWNER, MEMBER bins),                                           \
     .low = 2,                                                                         \
     .high = FLO_SPLINE_MOST_BINS,                                                     \
     .fallback = "8",                                                                  \
     .help = "bins of a spline"},                                                      \
    {                                                                                  \
        .name = "tail_bound", .type = FLO_NUMBER,                                      \
        .offset = offsetof(OWNER, MEMBER tail_bound), .low = 0.1, .high = 1e4,         \
        .fallback = "5",                                                               \
        .help =                                                                        \
            "splines act on values between -tail_bound and tail_bound; outside they "  \
            "are the identity"                                                         \
    }

/* Raw parameters of one element: 3 K - 1. */
int64_t flo_spline_parameters(const flo_spline_settings *settings);

/* y [n] and log dy/dx [n] of x [n] with raw parameters u, 3 K - 1 of
   them every `stride` reals (0: all elements share them). Where x is not
   inside
   (-bound, bound), NaN included, y = x and log dy/dx = 0. Pure. Local. */
void flo_spline_forward(const flo_spline_settings *settings, int64_t n, int64_t stride,
                        const flo_real *u, const flo_real *x, flo_real *y,
                        flo_real *log_slope);

/* x [n] of y [n], and log dx/dy [n], by the stable root of the quadratic. Pure. Local.
 */
void flo_spline_inverse(const flo_spline_settings *settings, int64_t n, int64_t stride,
                        const flo_real *u, const flo_real *y, flo_real *x,
                        flo_real *log_slope);

/* From dy [n] and dlog_slope [n] (of forward at x): dx [n] and du [n, 3 K - 1],
   overwritten; du may be u. Pure. Local. */
void flo_spline_backward(const flo_spline_settings *settings, int64_t n, int64_t stride,
                         const flo_real *u, const flo_real *x, const flo_real *dy,
                         const flo_real *dlog_slope, flo_real *dx, flo_real *du);

#endif
