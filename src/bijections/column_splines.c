/* Splines of chosen columns, a column at a time: all rows share its spline. */
#include "bijections/column_splines.h"

#include "nn/inputs.h"

enum { MOST = 3 * FLO_SPLINE_MOST_BINS };

int64_t flo_column_splines_parameters(const flo_bijection *self,
                                      const flo_spline_settings *settings)
{
    return self->angles ? 3 * settings->bins : flo_spline_parameters(settings);
}

flo_status flo_column_splines_make(const flo_bijection *self, flo_arena *arena,
                                   const flo_node *node,
                                   const flo_spline_settings *settings,
                                   const int32_t *column, int64_t count,
                                   flo_column_splines *splines)
{
    *splines = (flo_column_splines){
        .settings = settings,
        .features = self->features,
        .count = count,
        .column = column,
        .angles = self->angles,
        .circular = {settings->bins, FLO_TURN / 2, FLO_TAILS_CIRCULAR},
        .parameters = flo_column_splines_parameters(self, settings)};
    for (int64_t j = 0; self->angles && j < self->features; j++)
        if (!self->angles[j] && settings->tails == FLO_TAILS_CIRCULAR)
            return flo_settings_fail(
                arena, flo_node_find(node, "tails"),
                "linear: columns that are angles are circular without it, and column "
                "%lld is none",
                (long long)j);
    return FLO_OK;
}

static flo_spline_strides strides(const flo_column_splines *s)
{
    return (flo_spline_strides){.parameter = 1, .element = 0, .value = s->features};
}

static void bend(const flo_column_splines *s, flo_spline_map *map,
                 const flo_real *theta, int64_t B, const flo_real *from, flo_real *to,
                 double *logdet)
{
    const flo_spline_strides at = strides(s);
    const int64_t P = s->parameters;
    flo_real u[MOST];
    for (int64_t c = 0; c < s->count; c++) {
        const int64_t j = s->column[c];
        const flo_spline_settings *const own = flo_column_spline(s, j);
        flo_spline_shares(own, B, &at, theta + c * P, u);
        map(own, B, &at, u, from + j, to + j, logdet);
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
    const int64_t P = s->parameters;
    flo_real u[MOST], du[MOST];
    for (int64_t c = 0; c < s->count; c++) {
        const int64_t j = s->column[c];
        const flo_spline_settings *const own = flo_column_spline(s, j);
        flo_spline_shares(own, B, &at, theta + c * P, u);
        flo_spline_backward(own, B, &at, u, x + j, dz + j, dlogdet, dx + j, du);
        for (int64_t p = 0; p < flo_spline_parameters(own); p++)
            dtheta[c * P + p] += du[p];
    }
}
