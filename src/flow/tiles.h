/* Densities and samples by tiles of fixed size aligned to the row number, so that a
   row's bits depend neither on ranks and threads nor on how a call is cut: BLAS results
   of a row depend on the number of rows. */
#ifndef FLO_FLOW_TILES_H
#define FLO_FLOW_TILES_H

#include "flow/workspace.h"

enum { FLO_TILE_ROWS = 256 };

typedef struct flo_tiles flo_tiles;

/* Memory for `threads` tiles side by side, in the arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_tiles_create(flo_arena *arena, const flo_flow *flow,
                                         int threads, flo_tiles **tiles);

const flo_flow *flo_tiles_flow(const flo_tiles *tiles); /* borrowed */

/* Of a split, or any array of rows: first is the number of row 0 of this call in it, a
   multiple of FLO_TILE_ROWS. A flow that dithers adds the noise of that row. */

/* log_prob [rows] in nats of x [rows, D] under context [rows, C], and preprocessed
   [rows] (NULL: not wanted): the same without the log-determinants of the layers of
   `preprocess`, the log-density of what these give. A row that is not finite, or whose
   context is not, gives NaN; one outside of what the layers take is not finite. Local.
 */
void flo_tiles_log_prob(flo_tiles *tiles, const flo_real *theta, int64_t first,
                        int64_t rows, const flo_real *x, const flo_real *context,
                        double *log_prob, double *preprocessed);

/* start and back [rows, D]: where x [rows, D] under context [rows, C] starts on its way
   to noise, and what it comes back as from there; the same, were it computed exactly.
   start is x, or where layers dither, what x has become behind the last of them: whole
   numbers would hide how far it is, or make a step of one of nearly nothing. start may
   be x. Local. */
void flo_tiles_reconstruct(flo_tiles *tiles, const flo_real *theta, int64_t first,
                           int64_t rows, const flo_real *x, const flo_real *context,
                           flo_real *start, flo_real *back);

/* Samples first .. first + count - 1 of a seed: x [count, D] under context [count, C].
   Sample i is a function of (seed, i) alone. Local. */
void flo_tiles_sample(flo_tiles *tiles, const flo_real *theta, uint64_t seed,
                      int64_t first, int64_t count, double temperature,
                      const flo_real *context, flo_real *x);

#endif
