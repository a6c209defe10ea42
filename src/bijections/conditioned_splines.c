/* Splines of what a network puts out, a column at a time over all rows: the parameters
   of a column are still in cache after they have become shares. */
#include "bijections/conditioned_splines.h"

#include <string.h>

flo_spline_strides flo_conditioned_strides(int64_t B, int64_t D)
{
    return (flo_spline_strides){.parameter = B, .element = 1, .value = D};
}

/* Of all columns; *column is how far apart their parameters start. */
static flo_spline_strides strides(const flo_column_splines *s, int64_t B,
                                  int64_t *column)
{
    *column = s->parameters * B;
    return flo_conditioned_strides(B, s->features);
}

static void bend(const flo_column_splines *s, flo_spline_map *map, int64_t B,
                 flo_real *u, const flo_real *from, flo_real *to, double *logdet)
{
    int64_t column;
    const flo_spline_strides at = strides(s, B, &column);
    for (int64_t c = 0; c < s->count; c++) {
        flo_real *const own = u + c * column;
        const int64_t j = s->column[c];
        const flo_spline_settings *const settings = flo_column_spline(s, j);
        flo_spline_shares(settings, B, &at, own, own);
        map(settings, B, &at, own, from + j, to + j, logdet);
    }
}

void flo_conditioned_splines_forward(const flo_column_splines *s, int64_t B,
                                     flo_real *u, const flo_real *x, flo_real *z,
                                     double *logdet)
{
    bend(s, flo_spline_forward, B, u, x, z, logdet);
}

void flo_conditioned_splines_inverse(const flo_column_splines *s, int64_t B,
                                     flo_real *u, const flo_real *z, flo_real *x,
                                     double *logdet)
{
    bend(s, flo_spline_inverse, B, u, z, x, logdet);
}

void flo_conditioned_splines_backward(const flo_column_splines *s, int64_t B,
                                      const flo_real *u, const flo_real *x,
                                      const flo_real *dz, const double *dlogdet,
                                      flo_real *dx, flo_real *du)
{
    int64_t column;
    const flo_spline_strides at = strides(s, B, &column);
    for (int64_t c = 0; c < s->count; c++) {
        const int64_t j = s->column[c];
        const flo_spline_settings *const settings = flo_column_spline(s, j);
        const int64_t used = flo_spline_parameters(settings) * B;
        flo_real *const own = du + c * column;
        flo_spline_backward(settings, B, &at, u + c * column, x + j, dz + j, dlogdet,
                            dx + j, own);
        memset(own + used, 0, (size_t)(column - used) * sizeof *own);
    }
}
