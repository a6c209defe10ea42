/* The passes of layers that send every column through one map of single numbers. */
#include "bijections/scalar_map.h"

#include <string.h>

/* Scratch: slopes and bends [B, n] each, of chosen columns also their x and z. */
flo_status flo_scalar_configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                                const flo_scalar_map *map, size_t state_bytes)
{
    FLO_TRY(flo_arena_take(arena, 1, state_bytes, &self->state));
    FLO_TRY(flo_settings_read(arena, NULL, node, self->kind->settings, self->state));
    flo_scalar_layer *const layer = self->state;
    layer->map = map;
    FLO_TRY(flo_column_choice_make(self, arena, &layer->columns));
    self->scratch = (layer->columns.column ? 4 : 2) * layer->columns.count;
    return FLO_OK;
}

static void add_rows(int64_t B, int64_t n, const flo_real *log_slope, double *logdet)
{
    for (int64_t i = 0; i < B; i++) {
        double row = 0;
        for (int64_t j = 0; j < n; j++)
            row += (double)log_slope[i * n + j];
        logdet[i] += row;
    }
}

/* One of the two maps by which rows pass: from [B, D] to [B, D]. */
typedef void mapping(const void *state, int64_t B, int64_t n, const flo_real *from,
                     flo_real *to, flo_real *log_slope);

static void pass_rows(const flo_bijection *self, mapping *map, const flo_pass *pass,
                      const flo_real *from, flo_real *to, double *logdet)
{
    const flo_scalar_layer *const layer = self->state;
    const int64_t B = pass->rows, D = self->features, n = layer->columns.count;
    flo_real *const log_slope = pass->scratch;
    if (!layer->columns.column) {
        map(layer, B, n, from, to, log_slope);
    } else {
        flo_real *const chosen = log_slope + 2 * B * n, *const mapped = chosen + B * n;
        flo_column_choice_gather(&layer->columns, B, D, from, chosen);
        map(layer, B, n, chosen, mapped, log_slope);
        memcpy(to, from, (size_t)(B * D) * sizeof *to);
        flo_column_choice_scatter(&layer->columns, B, D, mapped, to);
    }
    add_rows(B, n, log_slope, logdet);
}

void flo_scalar_forward(const flo_bijection *self, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *z,
                        double *logdet)
{
    (void)theta;
    const flo_scalar_layer *const layer = self->state;
    pass_rows(self, layer->map->forward, pass, x, z, logdet);
}

void flo_scalar_inverse(const flo_bijection *self, const flo_real *theta,
                        const flo_pass *pass, const flo_real *z, flo_real *x,
                        double *logdet)
{
    (void)theta;
    const flo_scalar_layer *const layer = self->state;
    pass_rows(self, layer->map->inverse, pass, z, x, logdet);
}

void flo_scalar_backward(const flo_bijection *self, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, const flo_real *dz,
                         const double *dlogdet, flo_real *dx, flo_real *dcontext,
                         flo_real *dtheta)
{
    (void)theta, (void)dcontext, (void)dtheta;
    const flo_scalar_layer *const layer = self->state;
    const int64_t B = pass->rows, D = self->features, n = layer->columns.count;
    flo_real *const slope = pass->scratch, *const bend = slope + B * n;
    const flo_real *numbers = x;
    if (layer->columns.column) {
        flo_real *const chosen = bend + B * n;
        flo_column_choice_gather(&layer->columns, B, D, x, chosen);
        memcpy(dx, dz, (size_t)(B * D) * sizeof *dx);
        numbers = chosen;
    }
    layer->map->derivatives(layer, B, n, numbers, slope, bend);
    for (int64_t i = 0; i < B; i++) {
        const flo_real d = (flo_real)dlogdet[i];
        for (int64_t k = 0; k < n; k++) {
            const int64_t j = i * D + flo_column_chosen(&layer->columns, k);
            dx[j] = slope[i * n + k] * dz[j] + bend[i * n + k] * d;
        }
    }
}
