/* The noise that whole numbers take where a row is scored: a function of the model and
   of what the row holds, not of where it stands. */
#ifndef FLO_FLOW_ROW_NOISE_H
#define FLO_FLOW_ROW_NOISE_H

#include "flow/flow.h"

/* How many draws the score of a row is the mean over, unless a number is asked for:
   128, which is within 0.1 nats of 1,000 on tables, fewer for more than 16 columns of
   whole numbers (2,048 / columns, at least 8: pictures take long enough); 0 where no
   layer dithers: there is no noise. Pure. Local. */
int64_t flo_flow_draws(const flo_flow *flow);

/* A number of 64 bits for what a row holds: x [D] and context [C], both as the data
   have them. 0 and -0 are the same. Pure. Local. */
uint64_t flo_row_hash(const flo_flow *flow, const flo_real *x, const flo_real *context);

/* Draw `draw` of `draws` of layer `layer`, which dithers, for a row of this hash: noise
   [noise of the layer], uniform in (0, 1). The draws of a row fill the cube evenly: by
   eight columns at a time they are a scrambled Sobol sequence. Pure. Local. */
void flo_row_noise(const flo_flow *flow, int64_t layer, uint64_t hash, int64_t draw,
                   int64_t draws, flo_real *noise);

#endif
