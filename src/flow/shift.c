/* Columns shifted and scaled in double before the first layer. */
#include "flow/shift.h"

#include <math.h>
#include <string.h>

/* The first of a chain's layers that acts on column j. */
static const flo_layer *first_acting(int64_t layers, const flo_layer *layer, int64_t j)
{
    for (int64_t k = 0; k < layers; k++)
        if (!layer[k].bijection->passes || !layer[k].bijection->passes[j])
            return &layer[k];
    return NULL;
}

static void find(int64_t columns, int64_t layers, const flo_layer *layer,
                 flo_shifts *shifts, const flo_layer **by)
{
    for (int64_t j = 0; j < columns; j++) {
        by[j] = first_acting(layers, layer, j);
        shifts[j] = by[j] ? by[j]->bijection->shifts : FLO_SHIFTS_NONE;
    }
}

void flo_flow_shifts(const flo_flow *flow, flo_shifts *shifts, const flo_layer **layer)
{
    const int64_t D = flow->features;
    find(D, flow->layers, flow->layer, shifts, layer);
    find(flow->context, flow->context_layers, flow->context_layer, shifts + D,
         layer + D);
}

static void tell(int64_t layers, const flo_layer *layer, const double *origin,
                 const double *factor)
{
    for (int64_t k = 0; k < layers; k++) {
        layer[k].bijection->origin = origin;
        layer[k].bijection->factor = factor;
    }
}

flo_status flo_flow_shift(flo_flow *flow, const double *origin, const double *factor)
{
    const int64_t D = flow->features, all = D + flow->context;
    const size_t bytes = (size_t)all * sizeof(double);
    double *shift;
    FLO_TRY(flo_arena_take(flow->arena, 2 * all, sizeof *shift, &shift));
    memcpy(shift, origin, bytes);
    memcpy(shift + all, factor, bytes);
    flow->origin = shift;
    flow->factor = shift + all;
    flow->log_factor = 0;
    for (int64_t j = 0; j < D; j++)
        flow->log_factor += log(factor[j]);
    tell(flow->layers, flow->layer, flow->origin, flow->factor);
    tell(flow->context_layers, flow->context_layer, flow->origin + D, flow->factor + D);
    return FLO_OK;
}

void flo_flow_unshift(const flo_flow *flow, int64_t rows, int64_t first, int64_t n,
                      const flo_real *y, double *number)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++)
            number[i * n + j] = (double)y[i * n + j] / flow->factor[first + j] +
                                flow->origin[first + j];
}

void flo_flow_shift_rows(const flo_flow *flow, int64_t rows, int64_t first, int64_t n,
                         const double *number, flo_real *y)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++)
            y[i * n + j] = (flo_real)((number[i * n + j] - flow->origin[first + j]) *
                                      flow->factor[first + j]);
}
