/* A linear map with bias over rows. */
#include "nn/dense.h"

#include "linalg/staircase.h"

#include <math.h>
#include <string.h>

flo_status flo_dense_add(flo_layout *layout, int64_t inputs, int64_t outputs,
                         const char *name, flo_dense *dense)
{
    dense->inputs = inputs;
    dense->outputs = outputs;
    FLO_TRY(flo_layout_add(layout, outputs, inputs, true, &dense->weight, "%s/weight",
                           name));
    return flo_layout_add(layout, outputs, 0, false, &dense->bias, "%s/bias", name);
}

void flo_fill_uniform(flo_random_key key, int64_t index, int64_t n, flo_real limit,
                      flo_real *values)
{
    flo_random_uniform(key, (uint64_t)index, n, values);
    for (int64_t i = 0; i < n; i++)
        values[i] = limit * (2 * values[i] - 1);
}

void flo_dense_init(const flo_dense *dense, double limit, flo_random_key key,
                    flo_real *theta)
{
    const flo_real bound =
        (flo_real)(limit < 0 ? 1 / sqrt((double)dense->inputs) : limit);
    const int64_t weights = dense->outputs * dense->inputs;
    flo_fill_uniform(key, 0, weights, bound, theta + dense->weight);
    flo_fill_uniform(key, weights, dense->outputs, bound, theta + dense->bias);
}

void flo_bias_forward(int64_t n, int64_t B, bool add, const flo_real *bias, flo_real *y)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < B; i++)
            y[j * B + i] = add ? y[j * B + i] + bias[j] : bias[j];
}

/* SIDE sums side by side, then in pairs: the same on any machine. */
void flo_bias_backward(int64_t n, int64_t B, const flo_real *dy, flo_real *dbias)
{
    enum { SIDE = 16 };
    for (int64_t j = 0; j < n; j++, dy += B) {
        flo_real sum[SIDE] = {0};
        int64_t i = 0;
        for (; i + SIDE <= B; i += SIDE)
            for (int e = 0; e < SIDE; e++)
                sum[e] += dy[i + e];
        for (int e = 0; i < B; i++, e++)
            sum[e] += dy[i];
        for (int half = SIDE / 2; half > 0; half /= 2)
            for (int e = 0; e < half; e++)
                sum[e] += sum[e + half];
        dbias[j] += sum[0];
    }
}

/* Rows first .. first + count - 1 of the weight. */
static flo_panel rows_of(const flo_dense *dense, int64_t first, int64_t count)
{
    return (flo_panel){.row = first,
                       .rows = count,
                       .columns = dense->inputs,
                       .length = dense->inputs,
                       .weight = dense->weight + first * dense->inputs};
}

void flo_dense_forward(const flo_dense *dense, const flo_real *theta, int64_t first,
                       int64_t count, const flo_pass *pass, bool add, const flo_real *x,
                       flo_real *y)
{
    const flo_panel rows = rows_of(dense, first, count);
    const flo_staircase whole = {dense->inputs, 1, &rows, NULL};
    flo_bias_forward(count, pass->rows, add, theta + dense->bias + first,
                     y + first * pass->rows);
    flo_staircase_forward(&whole, theta, pass->rounded, pass->rows, x, y);
}

void flo_dense_backward(const flo_dense *dense, const flo_real *theta,
                        const flo_pass *pass, bool add, const flo_real *x,
                        const flo_real *dy, flo_real *dx, flo_real *dtheta)
{
    const flo_panel rows = rows_of(dense, 0, dense->outputs);
    const flo_staircase whole = {dense->inputs, 1, &rows, NULL};
    flo_bias_backward(dense->outputs, pass->rows, dy, dtheta + dense->bias);
    flo_staircase_gradient(&whole, pass->rounded, pass->rows, !pass->fresh, x, dy,
                           dtheta);
    if (!dx)
        return;
    if (!add)
        memset(dx, 0, (size_t)(dense->inputs * pass->rows) * sizeof *dx);
    flo_staircase_backward(&whole, theta, pass->rounded, pass->rows, dy, dx);
}
