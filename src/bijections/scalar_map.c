/* The passes of layers that send every column through one map of single numbers. */
#include "bijections/scalar_map.h"

/* Scratch: log-slopes [B, D], or slopes and bends [B, D] each. */
flo_status flo_scalar_configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                                const flo_scalar_map *map, size_t state_bytes)
{
    FLO_TRY(flo_arena_take(arena, 1, state_bytes, &self->state));
    FLO_TRY(flo_settings_read(arena, NULL, node, self->kind->settings, self->state));
    ((flo_scalar_layer *)self->state)->map = map;
    self->scratch = 2 * self->features;
    return FLO_OK;
}

static void add_rows(int64_t B, int64_t D, const flo_real *log_slope, double *logdet)
{
    for (int64_t i = 0; i < B; i++) {
        double row = 0;
        for (int64_t j = 0; j < D; j++)
            row += (double)log_slope[i * D + j];
        logdet[i] += row;
    }
}

void flo_scalar_forward(const flo_bijection *self, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *z,
                        double *logdet)
{
    (void)theta;
    const flo_scalar_layer *const layer = self->state;
    const int64_t B = pass->rows, D = self->features;
    layer->map->forward(layer, B * D, x, z, pass->scratch);
    add_rows(B, D, pass->scratch, logdet);
}

void flo_scalar_inverse(const flo_bijection *self, const flo_real *theta,
                        const flo_pass *pass, const flo_real *z, flo_real *x,
                        double *logdet)
{
    (void)theta;
    const flo_scalar_layer *const layer = self->state;
    const int64_t B = pass->rows, D = self->features;
    layer->map->inverse(layer, B * D, z, x, pass->scratch);
    add_rows(B, D, pass->scratch, logdet);
}

void flo_scalar_backward(const flo_bijection *self, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, const flo_real *dz,
                         const double *dlogdet, flo_real *dx, flo_real *dcontext,
                         flo_real *dtheta)
{
    (void)theta, (void)dcontext, (void)dtheta;
    const flo_scalar_layer *const layer = self->state;
    const int64_t B = pass->rows, D = self->features;
    flo_real *const slope = pass->scratch, *const bend = slope + B * D;
    layer->map->derivatives(layer, B * D, x, slope, bend);
    for (int64_t i = 0; i < B; i++) {
        const flo_real d = (flo_real)dlogdet[i];
        for (int64_t j = i * D; j < (i + 1) * D; j++)
            dx[j] = slope[j] * dz[j] + bend[j] * d;
    }
}
