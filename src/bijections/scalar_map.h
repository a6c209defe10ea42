/* Layers that send every column, or some, through one increasing map f of single
   numbers, without parameters: a kind gives f, its inverse and its derivatives; the
   rest is the same. */
#ifndef FLO_BIJECTIONS_SCALAR_MAP_H
#define FLO_BIJECTIONS_SCALAR_MAP_H

#include "bijections/column_choice.h"

/* Maps of the n chosen columns of B rows, arrays [B, n] that do not overlap;
   `state` is what configure set. Pure. */
typedef struct flo_scalar_map {
    /* y = f(x) and log f'(x). */
    void (*forward)(const void *state, int64_t B, int64_t n, const flo_real *x,
                    flo_real *y, flo_real *log_slope);
    /* x of y and log dx/dy. */
    void (*inverse)(const void *state, int64_t B, int64_t n, const flo_real *y,
                    flo_real *x, flo_real *log_slope);
    /* f'(x) and d log f'(x) / dx. */
    void (*derivatives)(const void *state, int64_t B, int64_t n, const flo_real *x,
                        flo_real *slope, flo_real *bend);
} flo_scalar_map;

/* What the state of such a kind starts with. */
typedef struct flo_scalar_layer {
    const flo_scalar_map *map;
    flo_column_choice columns;
} flo_scalar_layer;

#define FLO_SCALAR_COLUMNS(state) FLO_COLUMNS_ROW(state, layer.columns)

/* Takes a state of so many bytes, which starts with a flo_scalar_layer `layer`, reads
   the kind's settings, FLO_SCALAR_COLUMNS among them, into it, and declares memory.
   Local. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_scalar_configure(flo_bijection *self, flo_arena *arena,
                                             flo_node *node, const flo_scalar_map *map,
                                             size_t state_bytes);

/* The slots forward, inverse and backward of such a kind. */
void flo_scalar_forward(const flo_bijection *self, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *z,
                        double *logdet);
void flo_scalar_inverse(const flo_bijection *self, const flo_real *theta,
                        const flo_pass *pass, const flo_real *z, flo_real *x,
                        double *logdet);
void flo_scalar_backward(const flo_bijection *self, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, const flo_real *dz,
                         const double *dlogdet, flo_real *dx, flo_real *dcontext,
                         flo_real *dtheta);

#endif
