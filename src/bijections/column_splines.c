/* Splines of chosen columns, a column at a time. */
#include "bijections/column_splines.h"

int64_t flo_column_splines_scratch(const flo_column_splines *splines)
{
    return 5 + flo_spline_parameters(splines->settings);
}

static void gather(int64_t B, int64_t D, int64_t column, const flo_real *from,
                   flo_real *to)
{
    for (int64_t i = 0; i < B; i++)
        to[i] = from[i * D + column];
}

static void evaluate(const flo_column_splines *s, bool invert, const flo_real *theta,
                     int64_t B, flo_real *scratch, const flo_real *v, flo_real *out,
                     double *logdet)
{
    const int64_t D = s->features, P = flo_spline_parameters(s->settings);
    flo_real *const value = scratch, *const result = value + B,
                    *const slope = result + B;
    for (int64_t c = 0; c < s->count; c++) {
        gather(B, D, s->column[c], v, value);
        if (invert)
            flo_spline_inverse(s->settings, B, 0, theta + c * P, value, result, slope);
        else
            flo_spline_forward(s->settings, B, 0, theta + c * P, value, result, slope);
        for (int64_t i = 0; i < B; i++) {
            out[i * D + s->column[c]] = result[i];
            logdet[i] += (double)slope[i];
        }
    }
}

void flo_column_splines_forward(const flo_column_splines *splines,
                                const flo_real *theta, int64_t B, flo_real *scratch,
                                const flo_real *x, flo_real *z, double *logdet)
{
    evaluate(splines, false, theta, B, scratch, x, z, logdet);
}

void flo_column_splines_inverse(const flo_column_splines *splines,
                                const flo_real *theta, int64_t B, flo_real *scratch,
                                const flo_real *z, flo_real *x, double *logdet)
{
    evaluate(splines, true, theta, B, scratch, z, x, logdet);
}

void flo_column_splines_backward(const flo_column_splines *s, const flo_real *theta,
                                 int64_t B, flo_real *scratch, const flo_real *x,
                                 const flo_real *dz, const double *dlogdet,
                                 flo_real *dx, flo_real *dtheta)
{
    const int64_t D = s->features, P = flo_spline_parameters(s->settings);
    flo_real *const value = scratch, *const dy = value + B, *const dslope = dy + B,
                    *const dvalue = dslope + B, *const du = dvalue + B;
    for (int64_t i = 0; i < B; i++)
        dslope[i] = (flo_real)dlogdet[i];
    for (int64_t c = 0; c < s->count; c++) {
        gather(B, D, s->column[c], x, value);
        gather(B, D, s->column[c], dz, dy);
        flo_spline_backward(s->settings, B, 0, theta + c * P, value, dy, dslope, dvalue,
                            du);
        for (int64_t i = 0; i < B; i++) {
            dx[i * D + s->column[c]] = dvalue[i];
            for (int64_t p = 0; p < P; p++)
                dtheta[c * P + p] += du[i * P + p];
        }
    }
}
