/* SIDE splines side by side, element e of every row the e-th of them, so that the
   compiler vectorises across them: what spline*.c share.

   "Row p" of parameters is p * stride reals behind the first: rows may lie in a matrix
   of a whole batch, whose neighbours in memory they are. */
#ifndef FLO_BIJECTIONS_SPLINE_SIDE_H
#define FLO_BIJECTIONS_SPLINE_SIDE_H

#include "bijections/spline.h"

#include <stdbool.h>

enum { FLO_SPLINE_SIDE = 16 };

typedef flo_real flo_spline_row[FLO_SPLINE_SIDE];

/* Along one axis bins have the sizes smallest + scale * share, and the first starts at
   -bound. */
typedef struct flo_spline_axis {
    int64_t bins; /* K */
    flo_real bound, smallest, scale;
} flo_spline_axis;

/* The bin of each element: its number, its shares of width and height, the sums of the
   shares before it, and the raw slopes at its ends (anything where a slope is not
   learned). */
typedef struct flo_spline_bin {
    flo_spline_row index, share_w, before_w, share_h, before_h, raw0, raw1;
} flo_spline_bin;

/* Gradients of the raw widths (or heights) over the share: of bins before the
   element's, of its own and of those behind it. */
typedef struct flo_spline_pull {
    flo_spline_row before, own, behind;
} flo_spline_pull;

/* `rows` parameters of up to SIDE elements as rows: in place where they lie side by
   side, else copied to `copy`; missing elements repeat the first. Sets the stride of
   the rows.
 */
const flo_real *flo_spline_read_rows(int64_t rows, int64_t count,
                                     const flo_spline_strides *at, const flo_real *u,
                                     flo_spline_row *copy, int64_t *stride);

/* Where rows are to be written: in place, or to `copy`; then write_rows brings a copy
   to its place. */
flo_real *flo_spline_rows_to_write(int64_t count, const flo_spline_strides *at,
                                   flo_real *u, flo_spline_row *copy, int64_t *stride);
void flo_spline_write_rows(int64_t rows, int64_t count, const flo_spline_strides *at,
                           flo_spline_row *copy, flo_real *u);

/* One number an element, `stride` apart. */
void flo_spline_read_values(int64_t count, int64_t stride, const flo_real *from,
                            flo_spline_row to);
void flo_spline_write_values(int64_t count, int64_t stride, const flo_spline_row from,
                             flo_real *to);

/* The softmax of K rows, in `share`, K rows that may be the same. */
void flo_spline_softmax(int64_t K, int64_t stride, const flo_real *raw,
                        int64_t share_stride, flo_real *share);

/* The bins in which `at` lies along x, or along y. u: K rows of shares of width, K of
   height, and raw slopes, those of knots first_knot to K - 1. */
void flo_spline_find(const flo_spline_axis *axis, bool along_y, int64_t first_knot,
                     int64_t stride, const flo_real *u, const flo_spline_row at,
                     flo_spline_bin *bin);

/* K rows of gradients of raw widths, or heights, du; 0 where `in` is 0. du may be
   share. */
void flo_spline_pull_shares(int64_t K, const flo_spline_row index,
                            const flo_spline_row in, const flo_spline_pull *pull,
                            int64_t stride, const flo_real *share, int64_t du_stride,
                            flo_real *du);

/* Rows of gradients of the raw slopes at knots first_knot to K - 1: g0 where the bin
   starts at the knot, g1 where it ends there, else 0. */
void flo_spline_pull_slopes(int64_t K, int64_t first_knot, const flo_spline_row index,
                            const flo_spline_row g0, const flo_spline_row g1,
                            int64_t du_stride, flo_real *du);

#endif
