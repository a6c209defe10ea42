/* How the numbers of SIDE splines are read and written: in place where they lie side by
   side, else transposed on the way. */
#include "bijections/spline_side.h"

enum { SIDE = FLO_SPLINE_SIDE };

typedef flo_spline_row row;

const flo_real *flo_spline_read_rows(int64_t rows, int64_t count,
                                     const flo_spline_strides *at, const flo_real *u,
                                     row *copy, int64_t *stride)
{
    *stride = at->parameter;
    if (at->element == 1 && count == SIDE)
        return u;
    *stride = SIDE;
    for (int64_t e = 0; e < SIDE; e++) {
        const flo_real *const from = u + (e < count ? e : 0) * at->element;
        for (int64_t p = 0; p < rows; p++)
            copy[p][e] = from[p * at->parameter];
    }
    return copy[0];
}

flo_real *flo_spline_rows_to_write(int64_t count, const flo_spline_strides *at,
                                   flo_real *u, row *copy, int64_t *stride)
{
    const bool in_place = at->element == 1 && count == SIDE;
    *stride = in_place ? at->parameter : SIDE;
    return in_place ? u : copy[0];
}

void flo_spline_write_rows(int64_t rows, int64_t count, const flo_spline_strides *at,
                           row *copy, flo_real *u)
{
    if (at->element == 1 && count == SIDE)
        return;
    for (int64_t e = 0; e < count; e++) {
        flo_real *const to = u + e * at->element;
        for (int64_t p = 0; p < rows; p++)
            to[p * at->parameter] = copy[p][e];
    }
}

void flo_spline_read_values(int64_t count, int64_t stride, const flo_real *from,
                            flo_spline_row to)
{
    if (count == SIDE)
        for (int64_t e = 0; e < SIDE; e++)
            to[e] = from[e * stride];
    else
        for (int64_t e = 0; e < SIDE; e++)
            to[e] = from[(e < count ? e : 0) * stride];
}

void flo_spline_write_values(int64_t count, int64_t stride, const flo_spline_row from,
                             flo_real *to)
{
    for (int64_t e = 0; e < count; e++)
        to[e * stride] = from[e];
}
