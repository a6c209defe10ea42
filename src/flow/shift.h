/* Origins and factors of the columns: what is taken off in double before rows are kept
   as flo_real, and how the density accounts for it. */
#ifndef FLO_FLOW_SHIFT_H
#define FLO_FLOW_SHIFT_H

#include "flow/flow.h"

/* What the first layer that acts on each of the D features, then of the C context
   columns, lets be done to it, and that layer (NULL: none acts, which lets nothing be
   done): shifts, layer [D + C]. Pure. Local. */
void flo_flow_shifts(const flo_flow *flow, flo_shifts *shifts, const flo_layer **layer);

/* From now on rows of the flow, x and context, hold (number - origin) * factor; origin,
   factor [D + C], features first, are copied. log_prob stays that of the numbers: log
   factor of the features is added to every log-determinant. Before the flow is fitted
   or its constants are read. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_flow_shift(flo_flow *flow, const double *origin,
                                       const double *factor);

/* The numbers of rows [rows, n] whose columns are those from `first` on of the D + C:
   y / factor + origin; and back. Pure. Local. */
void flo_flow_unshift(const flo_flow *flow, int64_t rows, int64_t first, int64_t n,
                      const flo_real *y, double *number);
void flo_flow_shift_rows(const flo_flow *flow, int64_t rows, int64_t first, int64_t n,
                         const double *number, flo_real *y);

#endif
