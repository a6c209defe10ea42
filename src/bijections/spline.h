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

/* How the numbers of n elements lie: parameter p of element e at [p * parameter + e *
   element], its x, y, dx and dy at [e * value]. Elements side by side (element 1) are
   read and written as vectors; others are transposed on the way. With element 0 all
   share one spline. */
typedef struct flo_spline_strides {
    int64_t parameter, element, value;
} flo_spline_strides;

/* u of n elements from their raw parameters: widths and heights become shares, by
   softmax, slopes stay raw. u is what the calls below take. It may be `raw`. Pure.
   Local. */
void flo_spline_shares(const flo_spline_settings *settings, int64_t n,
                       const flo_spline_strides *at, const flo_real *raw, flo_real *u);

/* The type of the next two. */
typedef void flo_spline_map(const flo_spline_settings *settings, int64_t n,
                            const flo_spline_strides *at, const flo_real *u,
                            const flo_real *from, flo_real *to, double *logdet);

/* y of x; adds log dy/dx to logdet [n]. Where x is not inside (-bound, bound), NaN
   included, or with circular tails not finite, y = x and log dy/dx = 0. Pure. Local. */
void flo_spline_forward(const flo_spline_settings *settings, int64_t n,
                        const flo_spline_strides *at, const flo_real *u,
                        const flo_real *x, flo_real *y, double *logdet);

/* x of y, by the stable root of the quadratic; adds log dx/dy to logdet [n]. Pure.
   Local. */
void flo_spline_inverse(const flo_spline_settings *settings, int64_t n,
                        const flo_spline_strides *at, const flo_real *u,
                        const flo_real *y, flo_real *x, double *logdet);

/* From dy and dlogdet [n] (of forward at x): dx and du, the gradient of the raw
   parameters, overwritten; du may be u. With element 0 du is that of the one spline,
   summed over the elements. Pure. Local. */
void flo_spline_backward(const flo_spline_settings *settings, int64_t n,
                         const flo_spline_strides *at, const flo_real *u,
                         const flo_real *x, const flo_real *dy, const double *dlogdet,
                         flo_real *dx, flo_real *du);

#endif
