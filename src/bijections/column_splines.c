/* Splines of chosen columns, a column at a time: all rows share its spline. */
#include "bijections/column_splines.h"

enum { MOST = 3 * FLO_SPLINE_MOST_BINS };

static flo_spline_strides strides(const flo_column_splines *s)
{
    return (flo_spline_strides){.parameter = 1, .element = 0, .value = s->features};
}

static void bend(const flo_column_splines *s, flo_spline_map *map,
                 const flo_real *theta, int64_t B, const flo_real *from, flo_real *to,
                 double *logdet)
{
    const flo_spline_strides at = strides(s);
    const int64_t P = flo_spline_parameters(s->settings);
    flo_real u[MOST];
    for (int64_t c = 0; c < s->count; c++) {
        const int64_t j = s->column[c];
        flo_spline_shares(s->settings, B, &at, theta + c * P, u);
        map(s->settings, B, &at, u, from + j, to + j, logdet);
    }
}

void flo_column_splines_forward(const flo_column_splines *s, const flo_real *theta,
                                int64_t B, const flo_real *x, flo_real *z,
                                double *logdet)
{
    bend(s, flo_spline_forward, theta, B, x, z, logdet);
}

void flo_column_splines_inverse(const flo_column_splines *s, const flo_real *theta,
                                int64_t B, const flo_real *z, flo_real *x,
                                double *logdet)
{
    bend(s, flo_spline_inverse, theta, B, z, x, logdet);
}

void flo_column_splines_backward(const flo_column_splines *s, const flo_real *theta,
                                 int64_t B, const flo_real *x, const flo_real *dz,
                                 const double *dlogdet, flo_real *dx, flo_real *dtheta)
{
    const flo_spline_strides at = strides(s);
    const int64_t P = flo_spline_parameters(s->settings);
    flo_real u[MOST], du[MOST];
    for (int64_t c = 0; c < s->count; c++) {
        const int64_t j = s->column[c];
        flo_spline_shares(s->settings, B, &at, theta + c * P, u);
        flo_spline_backward(s->settings, B, &at, u, x + j, dz + j, dlogdet, dx + j, du);
        for (int64_t p = 0; p < P; p++)
            dtheta[c * P + p] += du[p];
    }
}
