/* Masked (autoregressive) conditioners: what column j takes from columns 0 .. j - 1 and
   the context alone (MADE, Germain et al. 2015, arXiv 1502.03509; with residual blocks
   as Durkan et al. 2019, arXiv 1906.04032).

   A unit of degree m sees columns 0 .. m - 1 and reads units of degree m or below; the
   P outputs of column j have degree j (degrees.h). Units are sorted by degree, so every
   weight matrix is block lower triangular, and is stored and multiplied without its
   zero blocks (panels.h). The networks are those of network.h with masked maps; the
   context enters the first hidden layer, and the gates of residual blocks. */
#ifndef FLO_NN_MASKED_H
#define FLO_NN_MASKED_H

#include "nn/network.h"

/* Maps columns [B, D] and context [B, C] to outputs [D P, B], P for every column. */
typedef struct flo_masked {
    flo_network network;       /* its output_bias: of the last bias [D P] */
    int64_t features, outputs; /* D, P */
    flo_inputs inputs;         /* of the D columns */
    int64_t scratch; /* reals a row, see flo_pass; cache and noise are the network's */
} flo_masked;

/* Chooses MADE (`hidden`) or residual MADE (`width`, `blocks`) by the settings, adds
   the tensors, sets the counts. is_angle [features] tells the columns that come as
   angles between -pi and pi; NULL: none. node is for messages. Local. FLO_ERROR_CONFIG
   (neither or both), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_masked_configure(flo_masked *masked, flo_arena *arena,
                                             const flo_node *node,
                                             const flo_network_settings *settings,
                                             int64_t features, const bool *is_angle,
                                             int64_t context, int64_t outputs,
                                             flo_layout *layout);

/* Weights uniform within 1 / sqrt(inputs that the row sees); the last map is zero, and
   so is all that no row sees. */
void flo_masked_init(const flo_masked *masked, flo_random_key key, flo_real *theta);

/* out [D P, B] from x [B, D]. Pure. Local. */
void flo_masked_forward(const flo_masked *masked, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *out);

/* From dout [D P, B], which may be changed, and the x of forward: adds to dx [B, D],
   dcontext [B, C] and dtheta, where entries that no row sees become zero. Pure. Local.
 */
void flo_masked_backward(const flo_masked *masked, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, flo_real *dout,
                         flo_real *dx, flo_real *dcontext, flo_real *dtheta);

/* What the owner does with the outputs [P, B] of column j, known as soon as columns
   0 .. j - 1 of x [B, D] are: sets column j of x. */
typedef void flo_masked_column(void *owner, int64_t j, int64_t B, const flo_real *out,
                               flo_real *x);

/* Solves for x column by column in one pass: every hidden unit is computed once, as
   soon as what it sees is known. The outputs are those of forward at the x that comes
   out, to rounding. Pure. Local. */
void flo_masked_solve(const flo_masked *masked, const flo_real *theta,
                      const flo_pass *pass, flo_masked_column *column, void *owner,
                      flo_real *x);

#endif
