/* Monotone rational-quadratic splines of single numbers (Gregory & Delbourgo 1982;
   Durkan et al. 2019, arXiv 1906.04032) on [-bound, bound].

   Outside, with linear tails: the identity. With circular tails the interval is a
   circle (Rezende et al. 2020, arXiv 2002.02428): both ends are one knot with one
   learned slope, and every turn of 2 bound is mapped like the first, f(x + 2 bound) =
   f(x) + 2 bound; so f is continuous on the circle, a bijection of the line, and it
   does not matter whether angles are wrapped before or after.

   An element has P raw parameters: K of bin widths, K of bin heights, then those of the
   slopes at knots, K - 1 of the inner ones (linear) or K from the lower end on
   (circular); at zero they give the identity. Widths and heights are 2 bound (m + (1 -
   m K) softmax), slopes m' + softplus(raw + c), the outer slopes of linear tails 1. */
#ifndef FLO_BIJECTIONS_SPLINE_H
#define FLO_BIJECTIONS_SPLINE_H

#include "config/settings.h"
#include "flotilla/real.h"

enum { FLO_SPLINE_MOST_BINS = 64 };

typedef enum flo_spline_tails { FLO_TAILS_LINEAR, FLO_TAILS_CIRCULAR } flo_spline_tails;

typedef struct flo_spline_settings {
    int64_t bins;      /* K */
    double tail_bound; /* the spline acts on [-bound, bound] */
    int tails;         /* flo_spline_tails */
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
        {.name = "tail_bound",                                                         \
         .type = FLO_NUMBER,                                                           \
         .offset = offsetof(OWNER, MEMBER tail_bound),                                 \
         .low = 0.1,                                                                   \
         .high = 1e4,                                                                  \
         .fallback = "5",                                                              \
         .help = "splines act on values between -tail_bound and tail_bound"},          \
    {                                                                                  \
        .name = "tails", .type = FLO_CHOICE, .offset = offsetof(OWNER, MEMBER tails),  \
        .fallback = "linear", .choices = "linear|circular",                            \
        .help =                                                                        \
            "outside: linear is the identity, circular repeats every 2 tail_bound "    \
            "(angles: tail_bound 3.14159265)"                                          \
    }

/* Raw parameters of one element, P: 3 K - 1 with linear tails, 3 K with circular ones.
 */
int64_t flo_spline_parameters(const flo_spline_settings *settings);

/* y [n] and log dy/dx [n] of x [n] with raw parameters u, P of them every `stride`
   reals (0: all elements share them). Where x is not inside (-bound, bound), NaN
   included, or with circular tails not finite, y = x and log dy/dx = 0. Pure. Local. */
void flo_spline_forward(const flo_spline_settings *settings, int64_t n, int64_t stride,
                        const flo_real *u, const flo_real *x, flo_real *y,
                        flo_real *log_slope);

/* x [n] of y [n], and log dx/dy [n], by the stable root of the quadratic. Pure. Local.
 */
void flo_spline_inverse(const flo_spline_settings *settings, int64_t n, int64_t stride,
                        const flo_real *u, const flo_real *y, flo_real *x,
                        flo_real *log_slope);

/* From dy [n] and dlog_slope [n] (of forward at x): dx [n] and du [n, P],
   overwritten; du may be u. Pure. Local. */
void flo_spline_backward(const flo_spline_settings *settings, int64_t n, int64_t stride,
                         const flo_real *u, const flo_real *x, const flo_real *dy,
                         const flo_real *dlog_slope, flo_real *dx, flo_real *du);

#endif
