/* Splines of chosen columns whose raw parameters are learned numbers, the same for all
   rows: what elementwise_spline is, and the identity half of a spline coupling. */
#ifndef FLO_BIJECTIONS_COLUMN_SPLINES_H
#define FLO_BIJECTIONS_COLUMN_SPLINES_H

#include "bijections/bijection.h"
#include "bijections/spline.h"

/* `column` [count] says which of D columns. Those that are angles have circular tails
   at -pi and pi, whatever the settings say. */
typedef struct flo_column_splines {
    const flo_spline_settings *settings;
    int64_t features, count;
    const int32_t *column;
    const bool *angles;           /* [D]; NULL: none */
    flo_spline_settings circular; /* of the angles */
    int64_t parameters; /* P of every column: where there are angles, theirs, of which
                           other columns leave the last unused */
} flo_column_splines;

/* Splines of chosen columns of a layer, after its settings were read at `node`; all is
   borrowed. Local. FLO_ERROR_CONFIG: circular tails for columns that are no angles
   beside columns that are. */
FLO_MUST_USE flo_status flo_column_splines_make(const flo_bijection *self,
                                                flo_arena *arena, const flo_node *node,
                                                const flo_spline_settings *settings,
                                                const int32_t *column, int64_t count,
                                                flo_column_splines *splines);

/* P before the columns are chosen. Pure. Local. */
int64_t flo_column_splines_parameters(const flo_bijection *self,
                                      const flo_spline_settings *settings);

/* The settings of column j. Pure. Local. */
static inline const flo_spline_settings *
flo_column_spline(const flo_column_splines *splines, int64_t j)
{
    return splines->angles && splines->angles[j] ? &splines->circular
                                                 : splines->settings;
}

/* theta [count, P]. Sets the chosen columns of z and adds to logdet; the other columns
   are not touched. Inverse the same from z to x. Pure. Local. */
void flo_column_splines_forward(const flo_column_splines *splines,
                                const flo_real *theta, int64_t B, const flo_real *x,
                                flo_real *z, double *logdet);
void flo_column_splines_inverse(const flo_column_splines *splines,
                                const flo_real *theta, int64_t B, const flo_real *z,
                                flo_real *x, double *logdet);

/* Sets the chosen columns of dx; adds to dtheta. Pure. Local. */
void flo_column_splines_backward(const flo_column_splines *splines,
                                 const flo_real *theta, int64_t B, const flo_real *x,
                                 const flo_real *dz, const double *dlogdet,
                                 flo_real *dx, flo_real *dtheta);

#endif
