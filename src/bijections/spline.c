/* Rational-quadratic splines, SIDE elements side by side: what happens inside of a bin.
   spline_bins.c has the loops over bins, spline_rows.c how elements are read and
   written.

   In the bin with corner (x_k, y_k), width w, height h, slopes d0 and d1 at its ends
   and s = h / w, with t = (x - x_k) / w and a = t (1 - t): y = y_k + h (s t^2 + d0 a) /
   q,   q = s + (d0 + d1 - 2 s) a, dy/dx = s^2 m / q^2,              m = d1 t^2 + 2 s a
   + d0 (1 - t)^2. */
#include "bijections/spline.h"

#include "bijections/spline_side.h"
#include "core/elementary.h"
#include "core/integers.h"

#include <math.h>
#include <string.h>

enum { SIDE = FLO_SPLINE_SIDE, MOST = FLO_SPLINE_MOST_BINS };

static const flo_real smallest_bin = (flo_real)1e-3; /* m, as a share of the interval */
static const flo_real smallest_slope = (flo_real)1e-3; /* m' */
/* c: softplus(c) + m' = 1, so log(expm1(1 - m')). */
static const flo_real slope_shift = (flo_real)0x1.14591e3c97e88p-1;

typedef flo_spline_row row;

/* What all elements have in common. */
typedef struct spline {
    flo_spline_axis axis;
    bool linear;
    int64_t parameters, first_knot; /* P; the first knot whose slope is learned */
    flo_real edge;                  /* elements inside (-edge, edge) are bent */
} spline;

/* Where the elements lie: `at` in [-bound, bound], on the turn whose middle is `turn`.
   Those that are not `in`, NaN included, stay as they are. */
typedef struct position {
    row at, turn, in;
} position;

/* The bins of the elements in their own units. */
typedef struct box {
    row x, y, w, h, d0, d1;
} box;

int64_t flo_spline_parameters(const flo_spline_settings *settings)
{
    return 3 * settings->bins - (settings->tails == FLO_TAILS_LINEAR);
}

static spline describe(const flo_spline_settings *s)
{
    const flo_real bound = (flo_real)s->tail_bound;
    const flo_real spread = 1 - smallest_bin * (flo_real)s->bins;
    const bool linear = s->tails == FLO_TAILS_LINEAR;
    return (spline){.axis = {.bins = s->bins,
                             .bound = bound,
                             .smallest = 2 * bound * smallest_bin,
                             .scale = 2 * bound * spread},
                    .linear = linear,
                    .parameters = flo_spline_parameters(s),
                    .first_knot = linear,
                    .edge = linear ? bound : (flo_real)INFINITY};
}

void flo_spline_shares(const flo_spline_settings *settings, int64_t n,
                       const flo_spline_strides *at, const flo_real *raw, flo_real *u)
{
    const int64_t K = settings->bins, P = flo_spline_parameters(settings);
    const int64_t last = at->element == 0 ? flo_lesser(n, 1) : n;
    row copy[3 * MOST], shares[2 * MOST];
    for (int64_t i = 0; i < last; i += SIDE) {
        const int64_t count = flo_lesser(last - i, SIDE);
        const flo_real *const here = raw + i * at->element;
        flo_real *const there = u + i * at->element;
        int64_t from_stride, to_stride;
        const flo_real *const from =
            flo_spline_read_rows(2 * K, count, at, here, copy, &from_stride);
        flo_real *const to =
            flo_spline_rows_to_write(count, at, there, shares, &to_stride);
        flo_spline_softmax(K, from_stride, from, to_stride, to);
        flo_spline_softmax(K, from_stride, from + K * from_stride, to_stride,
                           to + K * to_stride);
        flo_spline_write_rows(2 * K, count, at, shares, there);
    }
    if (u == raw)
        return;
    for (int64_t p = 2 * K; p < P; p++)
        for (int64_t e = 0; e < last; e++)
            u[p * at->parameter + e * at->element] =
                raw[p * at->parameter + e * at->element];
}

static flo_real clip(flo_real v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* Linear tails: elements outside the interval are evaluated at 0, and the results are
   not used. */
static void locate_on_line(const spline *s, const flo_real *v, position *p)
{
    const flo_real edge = s->edge;
    for (int e = 0; e < SIDE; e++) {
        const bool in = v[e] > -edge && v[e] < edge;
        p->at[e] = in ? v[e] : 0;
        p->turn[e] = 0;
        p->in[e] = in;
    }
}

/* Circular tails: whole turns are taken off. */
static void locate_on_circle(const spline *s, const flo_real *v, position *p)
{
    const flo_real period = 2 * s->axis.bound, share = 1 / period, edge = s->edge;
    for (int e = 0; e < SIDE; e++) {
        const flo_real turns = flo_nearest_turn(v[e], share);
        p->at[e] = FLO_FUSED(-turns, period, v[e]);
        p->turn[e] = turns * period;
        p->in[e] = v[e] > -edge && v[e] < edge;
    }
}

static void locate(const spline *s, const flo_real *v, position *p)
{
    if (s->linear)
        locate_on_line(s, v, p);
    else
        locate_on_circle(s, v, p);
}

/* The last bin is measured from its far end, which is at the bound exactly, whatever
   the shares before it add up to. */
static inline void measure(const spline *s, const flo_spline_bin *b, box *to)
{
    const flo_spline_axis axis = s->axis;
    const flo_real last = (flo_real)(axis.bins - 1);
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const flo_real start = FLO_FUSED(b->index[e], axis.smallest, -axis.bound);
        const flo_real w = FLO_FUSED(b->share_w[e], axis.scale, axis.smallest);
        const flo_real h = FLO_FUSED(b->share_h[e], axis.scale, axis.smallest);
        const flo_real x = FLO_FUSED(b->before_w[e], axis.scale, start);
        const flo_real y = FLO_FUSED(b->before_h[e], axis.scale, start);
        to->x[e] = b->index[e] == last ? axis.bound - w : x;
        to->y[e] = b->index[e] == last ? axis.bound - h : y;
        to->w[e] = w;
        to->h[e] = h;
    }
}

/* Slopes at both ends of the bins: 1 at the ends of linear tails. */
static inline void slopes(const spline *s, const flo_spline_bin *b, box *to)
{
    const flo_real m = smallest_slope, c = slope_shift;
    const flo_real first = s->linear ? 0 : -1;
    const flo_real last = s->linear ? (flo_real)(s->axis.bins - 1) : -1;
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const flo_real d0 = m + flo_softplus(b->raw0[e] + c);
        const flo_real d1 = m + flo_softplus(b->raw1[e] + c);
        to->d0[e] = b->index[e] == first ? 1 : d0;
        to->d1[e] = b->index[e] == last ? 1 : d1;
    }
}

/* log dy/dx at t of a bin: of m (s / q)^2, in an order that does not overflow. */
static inline flo_real log_slope_at(flo_real t, flo_real s, flo_real d0, flo_real d1,
                                    flo_real iq)
{
    const flo_real r = 1 - t;
    const flo_real m = d1 * t * t + 2 * s * (t * r) + d0 * r * r;
    return flo_log(m * (s * iq) * (s * iq));
}

static inline flo_real quotient(flo_real t, flo_real s, flo_real d0, flo_real d1)
{
    return s + (d0 + d1 - 2 * s) * (t * (1 - t));
}

static void forward_side(flo_real bound, const box *b, const flo_real *x,
                         const position *p, flo_real *y, flo_real *log_slope)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const bool in = p->in[e] != 0;
        const flo_real d0 = b->d0[e], d1 = b->d1[e];
        const flo_real s = b->h[e] / b->w[e], t = clip((p->at[e] - b->x[e]) / b->w[e]);
        const flo_real iq = 1 / quotient(t, s, d0, d1);
        const flo_real v = b->y[e] + b->h[e] * ((s * t * t + d0 * (t * (1 - t))) * iq);
        const flo_real l = log_slope_at(t, s, d0, d1, iq);
        const flo_real kept = v > bound ? bound : v; /* for a base that ends there */
        y[e] = in ? kept + p->turn[e] : x[e];
        log_slope[e] = in ? l : 0;
    }
}

/* With v = (y - y_k) / h: (s - d0 + v g) t^2 + (d0 - v g) t - s v = 0, g = d0 + d1 - 2
   s. The root in [0, 1] without cancellation, by the sign of the linear term. */
static inline flo_real solve(flo_real v, flo_real s, flo_real d0, flo_real d1)
{
    const flo_real g = d0 + d1 - 2 * s;
    const flo_real A = s - d0 + v * g, B = d0 - v * g, C = -s * v;
    const flo_real square = B * B - 4 * A * C;
#ifdef FLOTILLA_DOUBLE
    const flo_real root = sqrt(square > 0 ? square : 0);
#else
    const flo_real root = sqrtf(square > 0 ? square : 0);
#endif
    const flo_real top = B >= 0 ? 2 * C : root - B;
    const flo_real bottom = B >= 0 ? -B - root : 2 * A;
    return clip(bottom != 0 ? top / bottom : 0);
}

static void inverse_side(const box *b, const flo_real *y, const position *p,
                         flo_real *x, flo_real *log_slope)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const bool in = p->in[e] != 0;
        const flo_real d0 = b->d0[e], d1 = b->d1[e], s = b->h[e] / b->w[e];
        const flo_real t = solve(clip((p->at[e] - b->y[e]) / b->h[e]), s, d0, d1);
        const flo_real l = log_slope_at(t, s, d0, d1, 1 / quotient(t, s, d0, d1));
        x[e] = in ? b->x[e] + t * b->w[e] + p->turn[e] : y[e];
        log_slope[e] = in ? -l : 0;
    }
}

static void evaluate(const flo_spline_settings *settings, bool invert, int64_t n,
                     const flo_spline_strides *at, const flo_real *u, const flo_real *v,
                     flo_real *out, double *logdet)
{
    const spline s = describe(settings);
    row copy[3 * MOST], value, result, slope;
    const flo_real *rows = NULL;
    int64_t stride = 0;
    for (int64_t i = 0; i < n; i += SIDE) {
        const int64_t count = flo_lesser(n - i, SIDE);
        position p;
        flo_spline_bin bin;
        box b;
        if (i == 0 || at->element != 0)
            rows = flo_spline_read_rows(s.parameters, count, at, u + i * at->element,
                                        copy, &stride);
        flo_spline_read_values(count, at->value, v + i * at->value, value);
        locate(&s, value, &p);
        flo_spline_find(&s.axis, invert, s.first_knot, stride, rows, p.at, &bin);
        measure(&s, &bin, &b);
        slopes(&s, &bin, &b);
        if (invert)
            inverse_side(&b, value, &p, result, slope);
        else
            forward_side(s.axis.bound, &b, value, &p, result, slope);
        flo_spline_write_values(count, at->value, result, out + i * at->value);
        for (int64_t e = 0; e < count; e++)
            logdet[i + e] += (double)slope[e];
    }
}

void flo_spline_forward(const flo_spline_settings *settings, int64_t n,
                        const flo_spline_strides *at, const flo_real *u,
                        const flo_real *x, flo_real *y, double *logdet)
{
    evaluate(settings, false, n, at, u, x, y, logdet);
}

void flo_spline_inverse(const flo_spline_settings *settings, int64_t n,
                        const flo_spline_strides *at, const flo_real *u,
                        const flo_real *y, flo_real *x, double *logdet)
{
    evaluate(settings, true, n, at, u, y, x, logdet);
}

/* Derivatives of the loss by what a bin is made of. */
typedef struct bin_gradient {
    row w, h, d0, d1; /* by width, height, slopes */
    row at;           /* by the element; less that by the corner's x */
} bin_gradient;

static void backward_side(const box *b, const flo_real *at, const flo_real *gy,
                          const flo_real *gl, bin_gradient *g)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const flo_real h = b->h[e], d0 = b->d0[e], d1 = b->d1[e], iw = 1 / b->w[e];
        const flo_real s = h * iw, t = clip((at[e] - b->x[e]) * iw), r = 1 - t;
        const flo_real a = t * r;
        const flo_real c = d0 + d1 - 2 * s, q = s + c * a, iq = 1 / q;
        const flo_real p = s * t * t + d0 * a;
        const flo_real m = d1 * t * t + 2 * s * a + d0 * r * r, im = 1 / m;
        const flo_real hq = gy[e] * h * iq * iq;
        const flo_real gt =
            hq * s * m + gl[e] * ((2 * d1 * t + 2 * s * (r - t) - 2 * d0 * r) * im -
                                  2 * c * (r - t) * iq);
        const flo_real gs = hq * (t * t * q - p * (1 - 2 * a)) +
                            gl[e] * (2 / s + 2 * a * im - 2 * (1 - 2 * a) * iq);
        g->d0[e] = hq * a * (q - p) + gl[e] * (r * r * im - 2 * a * iq);
        g->d1[e] = -hq * a * p + gl[e] * (t * t * im - 2 * a * iq);
        g->h[e] = gy[e] * p * iq + gs * iw;
        g->w[e] = -(gs * s + gt * t) * iw;
        g->at[e] = gt * iw;
    }
}

/* From the gradients by a bin's size and by its corner: a bin's size moves its own size
   and all later corners; through softmax, every raw number takes away its share of the
   mean. */
static void pull_axis(const flo_spline_axis *axis, const flo_real *share,
                      const flo_real *before, const flo_real *corner, flo_real sign,
                      const flo_real *size, flo_spline_pull *pull)
{
    const flo_real scale = axis->scale;
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const flo_real by_corner = sign * corner[e];
        const flo_real mean = before[e] * by_corner + share[e] * size[e];
        pull->before[e] = scale * (by_corner - mean);
        pull->own[e] = scale * (size[e] - mean);
        pull->behind[e] = -scale * mean;
    }
}

/* By raw slopes; 0 where `in` is 0. */
static void pull_knots(const flo_spline_bin *b, const flo_real *in, bin_gradient *g)
{
    const flo_real c = slope_shift;
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const bool counts = in[e] != 0;
        const flo_real d0 = g->d0[e] * flo_sigmoid(b->raw0[e] + c);
        const flo_real d1 = g->d1[e] * flo_sigmoid(b->raw1[e] + c);
        g->d0[e] = counts ? d0 : 0;
        g->d1[e] = counts ? d1 : 0;
    }
}

/* All rows of du from the gradient by the bin; 0 where `in` is 0. */
static void pull(const spline *s, const flo_spline_bin *b, const flo_real *gy,
                 const flo_real *in, bin_gradient *g, int64_t stride,
                 const flo_real *rows, int64_t du_stride, flo_real *du)
{
    const int64_t K = s->axis.bins;
    flo_spline_pull by;
    pull_axis(&s->axis, b->share_w, b->before_w, g->at, -1, g->w, &by);
    flo_spline_pull_shares(K, b->index, in, &by, stride, rows, du_stride, du);
    pull_axis(&s->axis, b->share_h, b->before_h, gy, 1, g->h, &by);
    flo_spline_pull_shares(K, b->index, in, &by, stride, rows + K * stride, du_stride,
                           du + K * du_stride);
    pull_knots(b, in, g);
    flo_spline_pull_slopes(K, s->first_knot, b->index, g->d0, g->d1, du_stride,
                           du + 2 * K * du_stride);
}

/* The gradient of one spline for all elements: first every SIDE-th element is added up,
   then these sums. */
static void add_side(int64_t P, const row *one, row *sum)
{
    for (int64_t p = 0; p < P; p++)
        for (int e = 0; e < SIDE; e++)
            sum[p][e] += one[p][e];
}

static void add_up(int64_t P, const row *sum, int64_t stride, flo_real *du)
{
    for (int64_t p = 0; p < P; p++) {
        flo_real total = 0;
        for (int e = 0; e < SIDE; e++)
            total += sum[p][e];
        du[p * stride] = total;
    }
}

/* Missing elements are not to count in a sum. */
static void leave_out(int64_t count, row in)
{
    for (int64_t e = count; e < SIDE; e++)
        in[e] = 0;
}

void flo_spline_backward(const flo_spline_settings *settings, int64_t n,
                         const flo_spline_strides *at, const flo_real *u,
                         const flo_real *x, const flo_real *dy, const double *dlogdet,
                         flo_real *dx, flo_real *du)
{
    const spline s = describe(settings);
    const int64_t P = s.parameters;
    row copy[3 * MOST], gradient[3 * MOST], sum[3 * MOST], value, gy, gl;
    const flo_real *rows = NULL;
    int64_t stride = 0, du_stride;
    if (at->element == 0)
        memset(sum, 0, (size_t)P * sizeof *sum);
    for (int64_t i = 0; i < n; i += SIDE) {
        const int64_t count = flo_lesser(n - i, SIDE);
        position p;
        flo_spline_bin bin;
        box b;
        bin_gradient g;
        if (i == 0 || at->element != 0)
            rows =
                flo_spline_read_rows(P, count, at, u + i * at->element, copy, &stride);
        flo_spline_read_values(count, at->value, x + i * at->value, value);
        flo_spline_read_values(count, at->value, dy + i * at->value, gy);
        for (int64_t e = 0; e < SIDE; e++)
            gl[e] = e < count ? (flo_real)dlogdet[i + e] : 0;
        locate(&s, value, &p);
        leave_out(count, p.in);
        flo_spline_find(&s.axis, false, s.first_knot, stride, rows, p.at, &bin);
        measure(&s, &bin, &b);
        slopes(&s, &bin, &b);
        backward_side(&b, p.at, gy, gl, &g);
        for (int e = 0; e < SIDE; e++)
            value[e] = p.in[e] != 0 ? g.at[e] : gy[e];
        flo_spline_write_values(count, at->value, value, dx + i * at->value);
        flo_real *const to = flo_spline_rows_to_write(count, at, du + i * at->element,
                                                      gradient, &du_stride);
        pull(&s, &bin, gy, p.in, &g, stride, rows, du_stride, to);
        if (at->element == 0)
            add_side(P, (const row *)gradient, sum);
        else
            flo_spline_write_rows(P, count, at, gradient, du + i * at->element);
    }
    if (at->element == 0)
        add_up(P, (const row *)sum, at->parameter, du);
}
