/* A map of a network: dense, or masked by the degrees of its units. */
#include "nn/linear.h"

static flo_status add_packed(flo_layout *layout, const flo_degrees *degrees,
                             flo_units inputs, flo_units outputs, const char *name,
                             flo_linear *linear)
{
    FLO_TRY(
        flo_panels_create(layout->arena, degrees, inputs, outputs, &linear->panels));
    linear->dense.weight = layout->size;
    if (linear->panels->size > 0) {
        FLO_TRY(flo_layout_add(layout, linear->panels->size, 0, true,
                               &linear->dense.weight, "%s/weight", name));
        flo_layout_set_ragged(layout, &linear->panels->ragged);
    }
    return flo_layout_add(layout, outputs.count, 0, false, &linear->dense.bias,
                          "%s/bias", name);
}

flo_status flo_linear_add(flo_layout *layout, const flo_degrees *degrees,
                          flo_units inputs, flo_units outputs, const char *name,
                          flo_linear *linear)
{
    *linear = (flo_linear){.dense = {inputs.count, outputs.count, 0, 0}};
    if (!degrees)
        return flo_dense_add(layout, inputs.count, outputs.count, name, &linear->dense);
    return add_packed(layout, degrees, inputs, outputs, name, linear);
}

void flo_linear_init(const flo_linear *linear, double limit, flo_random_key key,
                     flo_real *theta)
{
    const flo_dense *const d = &linear->dense;
    if (linear->panels)
        flo_panels_init(linear->panels, limit, key, theta + d->weight, theta + d->bias);
    else
        flo_dense_init(d, limit, key, theta);
}

void flo_linear_forward(const flo_linear *linear, const flo_real *theta,
                        const flo_pass *pass, const flo_real *x, flo_real *y)
{
    const flo_dense *const d = &linear->dense;
    if (!linear->panels) {
        flo_dense_forward(d, theta, 0, d->outputs, pass, false, x, y);
        return;
    }
    flo_bias_forward(d->outputs, pass->rows, false, theta + d->bias, y);
    flo_panels_forward(linear->panels, theta + d->weight, pass, x, y);
}

void flo_linear_backward(const flo_linear *linear, const flo_real *theta,
                         const flo_pass *pass, const flo_real *x, const flo_real *dy,
                         flo_real *dx, flo_real *dtheta)
{
    const flo_dense *const d = &linear->dense;
    if (!linear->panels) {
        flo_dense_backward(d, theta, pass, false, x, dy, dx, dtheta);
        return;
    }
    flo_bias_backward(d->outputs, pass->rows, dy, dtheta + d->bias);
    flo_panels_backward(linear->panels, theta + d->weight, pass, x, dy, dx,
                        dtheta + d->weight);
}

void flo_linear_solve_earlier(const flo_linear *linear, const flo_real *theta,
                              int64_t block, int64_t B, const flo_real *x, flo_real *y)
{
    flo_panels_solve_earlier(linear->panels, theta + linear->dense.weight,
                             theta + linear->dense.bias, block, B, x, y);
}

void flo_linear_solve_degree(const flo_linear *linear, const flo_real *theta,
                             int64_t degree, int64_t B, const flo_real *x, flo_real *y)
{
    flo_panels_solve_degree(linear->panels, theta + linear->dense.weight, degree, B, x,
                            y);
}
