/* The loops over the K bins of SIDE splines: softmax of their sizes, search, and the
   gradient of all raw parameters from that of one bin. The rest of a spline costs the
   same for any K.

   Bins are taken a few at a time, by an inner loop of constant length that the compiler
   unrolls: what is carried from bin to bin stays in registers. */
#include "bijections/spline_side.h"

#include "core/elementary.h"

#include <math.h>
#include <string.h>

enum { SIDE = FLO_SPLINE_SIDE, FEW = 4 };

typedef flo_spline_row row;

static inline void raise_few(int64_t count, int64_t stride, const flo_real *raw,
                             flo_real *top)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        flo_real highest = top[e];
        for (int64_t k = 0; k < count; k++)
            highest = raw[k * stride + e] > highest ? raw[k * stride + e] : highest;
        top[e] = highest;
    }
}

static inline void exp_one(const flo_real *raw, const flo_real *top, flo_real *share)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++)
        share[e] = flo_exp_nonpositive(raw[e] - top[e]);
}

static inline void add_few(int64_t count, int64_t stride, const flo_real *share,
                           flo_real *sum)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        flo_real total = sum[e];
        for (int64_t k = 0; k < count; k++)
            total += share[k * stride + e];
        sum[e] = total;
    }
}

static inline void scale_few(int64_t count, const flo_real *factor, int64_t stride,
                             flo_real *share)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++)
        for (int64_t k = 0; k < count; k++)
            share[k * stride + e] *= factor[e];
}

void flo_spline_softmax(int64_t K, int64_t stride, const flo_real *raw,
                        int64_t share_stride, flo_real *share)
{
    row top, sum;
    int64_t k;
    memcpy(top, raw, sizeof top);
    memset(sum, 0, sizeof sum);
    for (k = 0; k + FEW <= K; k += FEW)
        raise_few(FEW, stride, raw + k * stride, top);
    for (; k < K; k++)
        raise_few(1, stride, raw + k * stride, top);
    for (k = 0; k < K; k++)
        exp_one(raw + k * stride, top, share + k * share_stride);
    for (k = 0; k + FEW <= K; k += FEW)
        add_few(FEW, share_stride, share + k * share_stride, sum);
    for (; k < K; k++)
        add_few(1, share_stride, share + k * share_stride, sum);
    for (int e = 0; e < SIDE; e++)
        sum[e] = 1 / sum[e];
    for (k = 0; k + FEW <= K; k += FEW)
        scale_few(FEW, sum, share_stride, share + k * share_stride);
    for (; k < K; k++)
        scale_few(1, sum, share_stride, share + k * share_stride);
}

/* A search on its way: shares of the axis of the search (a) and of the other (o), and
   their sums so far. */
typedef struct search {
    flo_real *share_a, *before_a, *share_o, *before_o;
    row sum_a, sum_o;
} search;

/* Bins k to k + count - 1: an element moves on into each that starts at or below it;
   into bin 0 in any case. */
static inline void move_few(int64_t count, int64_t k, const flo_spline_axis *axis,
                            int64_t stride, const flo_real *a, const flo_real *o,
                            const flo_real *const *slope, const flo_real *at, search *s,
                            flo_spline_bin *b)
{
    flo_real start[FEW];
    for (int64_t j = 0; j < count; j++)
        start[j] = k + j == 0 ? -(flo_real)INFINITY
                              : axis->smallest * (flo_real)(k + j) - axis->bound;
    const flo_real scale = axis->scale;
    flo_real *const share_a = s->share_a, *const before_a = s->before_a,
                    *const share_o = s->share_o, *const before_o = s->before_o;
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        flo_real sum_a = s->sum_a[e], sum_o = s->sum_o[e];
        flo_real sa = share_a[e], ba = before_a[e], so = share_o[e], bo = before_o[e];
        flo_real raw0 = b->raw0[e], raw1 = b->raw1[e], index = b->index[e];
        for (int64_t j = 0; j < count; j++) {
            const bool here = at[e] >= FLO_FUSED(sum_a, scale, start[j]);
            const flo_real next_a = a[j * stride + e], next_o = o[j * stride + e];
            const flo_real left = slope[j][e], right = slope[j + 1][e];
            sa = here ? next_a : sa;
            ba = here ? sum_a : ba;
            so = here ? next_o : so;
            bo = here ? sum_o : bo;
            raw0 = here ? left : raw0;
            raw1 = here ? right : raw1;
            index = here ? (flo_real)(k + j) : index;
            sum_a += next_a;
            sum_o += next_o;
        }
        s->sum_a[e] = sum_a;
        s->sum_o[e] = sum_o;
        share_a[e] = sa;
        before_a[e] = ba;
        share_o[e] = so;
        before_o[e] = bo;
        b->raw0[e] = raw0;
        b->raw1[e] = raw1;
        b->index[e] = index;
    }
}

/* Rows of the raw slopes at knots k to k + FEW; the nearest where none is learned. */
static void point_at_slopes(int64_t K, int64_t first_knot, int64_t k, int64_t stride,
                            const flo_real *raw, const flo_real **slope)
{
    for (int64_t j = 0; j <= FEW; j++) {
        const int64_t knot = k + j < K ? k + j : first_knot == 0 ? 0 : K - 1;
        slope[j] = raw + (knot > first_knot ? knot - first_knot : 0) * stride;
    }
}

void flo_spline_find(const flo_spline_axis *axis, bool along_y, int64_t first_knot,
                     int64_t stride, const flo_real *u, const flo_spline_row at,
                     flo_spline_bin *bin)
{
    const int64_t K = axis->bins;
    const flo_real *const w = u, *const h = u + K * stride, *const a = along_y ? h : w,
                          *const o = along_y ? w : h, *const raw = h + K * stride;
    const flo_real *slope[FEW + 1];
    search s;
    memset(&s, 0, sizeof s);
    memset(bin, 0, sizeof *bin);
    s.share_a = along_y ? bin->share_h : bin->share_w;
    s.before_a = along_y ? bin->before_h : bin->before_w;
    s.share_o = along_y ? bin->share_w : bin->share_h;
    s.before_o = along_y ? bin->before_w : bin->before_h;
    for (int64_t k = 0, count; k < K; k += count) {
        point_at_slopes(K, first_knot, k, stride, raw, slope);
        const flo_real *const from = a + k * stride, *const other = o + k * stride;
        count = K - k < FEW ? 1 : FEW;
        if (count == FEW)
            move_few(FEW, k, axis, stride, from, other, slope, at, &s, bin);
        else
            move_few(1, k, axis, stride, from, other, slope, at, &s, bin);
    }
}

static inline void pull_few(int64_t count, int64_t k, const flo_real *index,
                            const flo_real *in, const flo_spline_pull *pull,
                            int64_t stride, const flo_real *share, int64_t du_stride,
                            flo_real *du)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const flo_real before = pull->before[e], own = pull->own[e],
                       behind = pull->behind[e], at = index[e];
        const bool counts = in[e] != 0;
        for (int64_t j = 0; j < count; j++) {
            const flo_real number = (flo_real)(k + j);
            const flo_real g = number < at ? before : number > at ? behind : own;
            const flo_real d = share[j * stride + e] * g;
            du[j * du_stride + e] = counts ? d : 0;
        }
    }
}

void flo_spline_pull_shares(int64_t K, const flo_spline_row index,
                            const flo_spline_row in, const flo_spline_pull *pull,
                            int64_t stride, const flo_real *share, int64_t du_stride,
                            flo_real *du)
{
    int64_t k = 0;
    for (; k + FEW <= K; k += FEW)
        pull_few(FEW, k, index, in, pull, stride, share + k * stride, du_stride,
                 du + k * du_stride);
    for (; k < K; k++)
        pull_few(1, k, index, in, pull, stride, share + k * stride, du_stride,
                 du + k * du_stride);
}

/* Knots from k on. A bin ends at the next knot; the last one of a circle at knot 0,
   which is no row where tails are linear. */
static inline void pull_knots(int64_t count, int64_t k, flo_real K,
                              const flo_real *index, const flo_real *g0,
                              const flo_real *g1, int64_t du_stride, flo_real *du)
{
    FLO_INDEPENDENT
    for (int e = 0; e < SIDE; e++) {
        const flo_real start = index[e], next = start + 1, end = next < K ? next : 0;
        const flo_real by_start = g0[e], by_end = g1[e];
        for (int64_t j = 0; j < count; j++) {
            const flo_real knot = (flo_real)(k + j);
            du[j * du_stride + e] = knot == start ? by_start : knot == end ? by_end : 0;
        }
    }
}

void flo_spline_pull_slopes(int64_t K, int64_t first_knot, const flo_spline_row index,
                            const flo_spline_row g0, const flo_spline_row g1,
                            int64_t du_stride, flo_real *du)
{
    int64_t k = first_knot;
    for (; k + FEW <= K; k += FEW)
        pull_knots(FEW, k, (flo_real)K, index, g0, g1, du_stride,
                   du + (k - first_knot) * du_stride);
    for (; k < K; k++)
        pull_knots(1, k, (flo_real)K, index, g0, g1, du_stride,
                   du + (k - first_knot) * du_stride);
}
