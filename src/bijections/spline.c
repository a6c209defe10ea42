/* Rational-quadratic splines, SIDE elements side by side so that the compiler
   vectorises across them: parameters are transposed to [parameter][SIDE], bins are
   found by selects.

   In the bin with corner (x_k, y_k), width w, height h, slopes d0 and d1 at its ends
   and s = h / w, with t = (x - x_k) / w and a = t (1 - t): y = y_k + h (s t^2 + d0 a) /
   q,   q = s + (d0 + d1 - 2 s) a, dy/dx = s^2 m / q^2,              m = d1 t^2 + 2 s a
   + d0 (1 - t)^2. */
#include "bijections/spline.h"

#include "core/elementary.h"

#include <math.h>
#include <string.h>

enum { SIDE = 16, MOST = FLO_SPLINE_MOST_BINS };

static const flo_real smallest_bin = (flo_real)1e-3; /* m, as a share of the interval */
static const flo_real smallest_slope = (flo_real)1e-3; /* m' */

typedef flo_real row[SIDE];

/* The knots of SIDE splines, and softmax shares for the backward pass. */
typedef struct knots {
    row share_w[MOST], share_h[MOST];     /* softmax */
    row x[MOST + 1], y[MOST + 1];         /* knots */
    row slope[MOST + 1], raw_slope[MOST]; /* at knots; raw + c */
} knots;

/* Where the elements lie: `at` in [-bound, bound], on the turn whose middle is `turn`.
   Those that are not inside (-edge, edge), NaN included, stay as they are. */
typedef struct position {
    flo_real bound, edge;
    row at, turn;
} position;

/* The bin of each element. */
typedef struct bin {
    row x, y, w, h, d0, d1;
    row index; /* as a number, for selects */
} bin;

int64_t flo_spline_parameters(const flo_spline_settings *settings)
{
    return 3 * settings->bins - (settings->tails == FLO_TAILS_LINEAR);
}

/* u [count, P], every `stride` reals, to raw [P][SIDE]; missing elements repeat the
   first. */
static void transpose(int64_t P, int64_t count, int64_t stride, const flo_real *u,
                      row *raw)
{
    for (int64_t e = 0; e < SIDE; e++) {
        const flo_real *const from = u + (e < count ? e : 0) * stride;
        for (int64_t p = 0; p < P; p++)
            raw[p][e] = from[p];
    }
}

static void load(int64_t count, const flo_real *from, flo_real *to)
{
    for (int64_t e = 0; e < SIDE; e++)
        to[e] = from[e < count ? e : 0];
}

/* Shares and knots of one axis from its K raw numbers. */
static void place_knots(int64_t K, flo_real bound, row *raw, row *share, row *knot)
{
    row top, sum;
    memcpy(top, raw[0], sizeof top);
    for (int64_t k = 1; k < K; k++)
        for (int e = 0; e < SIDE; e++)
            top[e] = raw[k][e] > top[e] ? raw[k][e] : top[e];
    memset(sum, 0, sizeof sum);
    for (int64_t k = 0; k < K; k++)
        for (int e = 0; e < SIDE; e++) {
            share[k][e] = flo_exp(raw[k][e] - top[e]);
            sum[e] += share[k][e];
        }
    const flo_real spread = 1 - smallest_bin * (flo_real)K;
    for (int e = 0; e < SIDE; e++) {
        sum[e] = 1 / sum[e];
        knot[0][e] = -bound;
    }
    for (int64_t k = 0; k < K; k++)
        for (int e = 0; e < SIDE; e++) {
            share[k][e] *= sum[e];
            knot[k + 1][e] =
                knot[k][e] + 2 * bound * (smallest_bin + spread * share[k][e]);
        }
    for (int e = 0; e < SIDE; e++)
        knot[K][e] = bound; /* exactly, whatever the sum rounded to */
}

/* The first knot whose slope is learned. */
static int64_t first_slope(const flo_spline_settings *s)
{
    return s->tails == FLO_TAILS_LINEAR ? 1 : 0;
}

static void place(const flo_spline_settings *s, row *raw, knots *t)
{
    const int64_t K = s->bins;
    const flo_real bound = (flo_real)s->tail_bound;
    const flo_real c = (flo_real)log(expm1(1 - (double)smallest_slope));
    place_knots(K, bound, raw, t->share_w, t->x);
    place_knots(K, bound, raw + K, t->share_h, t->y);
    for (int e = 0; e < SIDE; e++)
        t->slope[0][e] = 1;
    const int64_t first = first_slope(s);
    for (int64_t k = first; k < K; k++)
        for (int e = 0; e < SIDE; e++) {
            t->raw_slope[k][e] = raw[2 * K + k - first][e] + c;
            t->slope[k][e] = smallest_slope + flo_softplus(t->raw_slope[k][e]);
        }
    memcpy(t->slope[K], t->slope[0], sizeof t->slope[K]); /* 1, or the same knot */
}

/* The bin in which `at` lies along x, or along y. */
static void find(int64_t K, const knots *t, bool along_y, const flo_real *at, bin *b)
{
    const row *const axis = along_y ? t->y : t->x;
    for (int64_t k = 0; k < K; k++)
        for (int e = 0; e < SIDE; e++) {
            const bool here = k == 0 || at[e] >= axis[k][e];
            b->x[e] = here ? t->x[k][e] : b->x[e];
            b->y[e] = here ? t->y[k][e] : b->y[e];
            b->w[e] = here ? t->x[k + 1][e] - t->x[k][e] : b->w[e];
            b->h[e] = here ? t->y[k + 1][e] - t->y[k][e] : b->h[e];
            b->d0[e] = here ? t->slope[k][e] : b->d0[e];
            b->d1[e] = here ? t->slope[k + 1][e] : b->d1[e];
            b->index[e] = here ? (flo_real)k : b->index[e];
        }
}

static flo_real clip(flo_real v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static bool is_bent(const position *p, flo_real v)
{
    return v > -p->edge && v < p->edge;
}

/* Linear tails: elements outside the interval are evaluated at 0, and the results are
   not used. */
static void locate_on_line(flo_real bound, const flo_real *v, position *p)
{
    p->bound = p->edge = bound;
    for (int e = 0; e < SIDE; e++) {
        p->at[e] = is_bent(p, v[e]) ? v[e] : 0;
        p->turn[e] = 0;
    }
}

/* Circular tails: whole turns are taken off. */
static void locate_on_circle(flo_real bound, const flo_real *v, position *p)
{
    const flo_real period = 2 * bound, share = 1 / period;
    p->bound = bound;
    p->edge = (flo_real)INFINITY;
    for (int e = 0; e < SIDE; e++) {
        const flo_real turns = flo_nearest_turn(v[e], share);
        p->at[e] = FLO_FUSED(-turns, period, v[e]);
        p->turn[e] = turns * period;
    }
}

static void locate(const flo_spline_settings *s, const flo_real *v, position *p)
{
    if (s->tails == FLO_TAILS_LINEAR)
        locate_on_line((flo_real)s->tail_bound, v, p);
    else
        locate_on_circle((flo_real)s->tail_bound, v, p);
}

/* log dy/dx at t of a bin. */
static flo_real log_slope_at(flo_real t, flo_real s, flo_real d0, flo_real d1)
{
    const flo_real a = t * (1 - t);
    const flo_real q = s + (d0 + d1 - 2 * s) * a;
    const flo_real m = d1 * t * t + 2 * s * a + d0 * (1 - t) * (1 - t);
    return 2 * flo_log(s) + flo_log(m) - 2 * flo_log(q);
}

static void forward_side(const bin *b, const flo_real *x, const position *p,
                         flo_real *y, flo_real *log_slope)
{
    for (int e = 0; e < SIDE; e++) {
        const bool in = is_bent(p, x[e]);
        const flo_real s = b->h[e] / b->w[e], t = clip((p->at[e] - b->x[e]) / b->w[e]);
        const flo_real a = t * (1 - t);
        const flo_real q = s + (b->d0[e] + b->d1[e] - 2 * s) * a;
        const flo_real v = b->y[e] + b->h[e] * (s * t * t + b->d0[e] * a) / q;
        const flo_real l = log_slope_at(t, s, b->d0[e], b->d1[e]);
        const flo_real kept =
            v > p->bound ? p->bound : v; /* for a base that ends there */
        y[e] = in ? kept + p->turn[e] : x[e];
        log_slope[e] = in ? l : 0;
    }
}

/* With v = (y - y_k) / h: (s - d0 + v g) t^2 + (d0 - v g) t - s v = 0, g = d0 + d1 - 2
   s. The root in [0, 1] without cancellation, by the sign of the linear term. */
static flo_real solve(flo_real v, flo_real s, flo_real d0, flo_real d1)
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

static void inverse_side(const bin *b, const flo_real *y, const position *p,
                         flo_real *x, flo_real *log_slope)
{
    for (int e = 0; e < SIDE; e++) {
        const bool in = is_bent(p, y[e]);
        const flo_real s = b->h[e] / b->w[e];
        const flo_real t =
            solve(clip((p->at[e] - b->y[e]) / b->h[e]), s, b->d0[e], b->d1[e]);
        const flo_real l = log_slope_at(t, s, b->d0[e], b->d1[e]);
        x[e] = in ? b->x[e] + t * b->w[e] + p->turn[e] : y[e];
        log_slope[e] = in ? -l : 0;
    }
}

typedef void (*side)(const bin *b, const flo_real *v, const position *p, flo_real *out,
                     flo_real *log_slope);

static void evaluate(const flo_spline_settings *s, bool invert, int64_t n,
                     int64_t stride, const flo_real *u, const flo_real *v,
                     flo_real *out, flo_real *log_slope)
{
    const int64_t P = flo_spline_parameters(s);
    const side kernel = invert ? inverse_side : forward_side;
    row raw[3 * MOST], value, result, slope;
    position p;
    knots t;
    bin b;
    for (int64_t i = 0; i < n; i += SIDE) {
        const int64_t count = n - i < SIDE ? n - i : SIDE;
        transpose(P, count, stride, u + i * stride, raw);
        load(count, v + i, value);
        locate(s, value, &p);
        place(s, raw, &t);
        find(s->bins, &t, invert, p.at, &b);
        kernel(&b, value, &p, result, slope);
        memcpy(out + i, result, (size_t)count * sizeof *out);
        memcpy(log_slope + i, slope, (size_t)count * sizeof *log_slope);
    }
}

void flo_spline_forward(const flo_spline_settings *settings, int64_t n, int64_t stride,
                        const flo_real *u, const flo_real *x, flo_real *y,
                        flo_real *log_slope)
{
    evaluate(settings, false, n, stride, u, x, y, log_slope);
}

void flo_spline_inverse(const flo_spline_settings *settings, int64_t n, int64_t stride,
                        const flo_real *u, const flo_real *y, flo_real *x,
                        flo_real *log_slope)
{
    evaluate(settings, true, n, stride, u, y, x, log_slope);
}

/* Derivatives of the loss by what a bin is made of. */
typedef struct bin_gradient {
    row x, y, w, h, d0, d1; /* by corner, width, height, slopes */
    row at;                 /* by the element itself */
} bin_gradient;

static void backward_side(const bin *b, const flo_real *at, const flo_real *gy,
                          const flo_real *gl, bin_gradient *g)
{
    for (int e = 0; e < SIDE; e++) {
        const flo_real w = b->w[e], h = b->h[e], d0 = b->d0[e], d1 = b->d1[e];
        const flo_real s = h / w, t = clip((at[e] - b->x[e]) / w), r = 1 - t, a = t * r;
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
        g->h[e] = gy[e] * p * iq + gs / w;
        g->w[e] = -(gs * s + gt * t) / w;
        g->at[e] = gt / w;
        g->x[e] = -gt / w;
        g->y[e] = gy[e];
    }
}

/* Raw gradient of one axis: a bin's size moves its own size and all later corners. */
static void knots_backward(int64_t K, flo_real bound, const row *share,
                           const flo_real *index, const flo_real *corner,
                           const flo_real *size, row *raw)
{
    const flo_real scale = 2 * bound * (1 - smallest_bin * (flo_real)K);
    row mean;
    memset(mean, 0, sizeof mean);
    for (int64_t k = 0; k < K; k++)
        for (int e = 0; e < SIDE; e++) {
            const flo_real by_size = (flo_real)k < index[e]    ? corner[e]
                                     : (flo_real)k == index[e] ? size[e]
                                                               : 0;
            raw[k][e] = scale * by_size;
            mean[e] += share[k][e] * raw[k][e];
        }
    for (int64_t k = 0; k < K; k++)
        for (int e = 0; e < SIDE; e++)
            raw[k][e] = share[k][e] * (raw[k][e] - mean[e]);
}

static void raw_backward(const flo_spline_settings *s, const knots *t, const bin *b,
                         const bin_gradient *g, row *raw)
{
    const int64_t K = s->bins;
    const flo_real bound = (flo_real)s->tail_bound;
    knots_backward(K, bound, t->share_w, b->index, g->x, g->w, raw);
    knots_backward(K, bound, t->share_h, b->index, g->y, g->h, raw + K);
    const int64_t first = first_slope(s);
    for (int64_t k = first; k < K; k++) {
        const flo_real before =
            (flo_real)(k ? k - 1 : K - 1); /* the bin that ends here */
        for (int e = 0; e < SIDE; e++) {
            const flo_real d = (flo_real)k == b->index[e] ? g->d0[e]
                               : before == b->index[e]    ? g->d1[e]
                                                          : 0;
            raw[2 * K + k - first][e] = d * flo_sigmoid(t->raw_slope[k][e]);
        }
    }
}

void flo_spline_backward(const flo_spline_settings *s, int64_t n, int64_t stride,
                         const flo_real *u, const flo_real *x, const flo_real *dy,
                         const flo_real *dlog_slope, flo_real *dx, flo_real *du)
{
    const int64_t P = flo_spline_parameters(s);
    row raw[3 * MOST], value, gy, gl;
    position where;
    knots t;
    bin b;
    bin_gradient g;
    for (int64_t i = 0; i < n; i += SIDE) {
        const int64_t count = n - i < SIDE ? n - i : SIDE;
        transpose(P, count, stride, u + i * stride, raw);
        load(count, x + i, value);
        load(count, dy + i, gy);
        load(count, dlog_slope + i, gl);
        locate(s, value, &where);
        place(s, raw, &t);
        find(s->bins, &t, false, where.at, &b);
        backward_side(&b, where.at, gy, gl, &g);
        raw_backward(s, &t, &b, &g, raw);
        for (int64_t e = 0; e < count; e++) {
            const bool in = is_bent(&where, value[e]);
            dx[i + e] = in ? g.at[e] : gy[e];
            for (int64_t p = 0; p < P; p++)
                du[(i + e) * P + p] = in ? raw[p][e] : 0;
        }
    }
}
