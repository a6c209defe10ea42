/* A linear map with bias over rows. */
#include "nn/dense.h"

#include "linalg/products.h"

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

void flo_bias_forward(int64_t B, int64_t n, bool add, const flo_real *bias, flo_real *y)
{
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < n; j++)
            y[i * n + j] = add ? y[i * n + j] + bias[j] : bias[j];
}

void flo_bias_forward_units(int64_t n, int64_t B, bool add, const flo_real *bias,
                            flo_real *y)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < B; i++)
            y[j * B + i] = add ? y[j * B + i] + bias[j] : bias[j];
}

void flo_bias_backward(int64_t B, int64_t n, const flo_real *dy, flo_real *dbias)
{
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < n; j++)
            dbias[j] += dy[i * n + j];
}

void flo_dense_forward(const flo_dense *dense, const flo_real *theta, int64_t B,
                       bool add, const flo_real *x, flo_real *y)
{
    const int64_t n = dense->outputs;
    flo_bias_forward(B, n, add, theta + dense->bias, y);
    flo_product_nt(B, n, dense->inputs, x, theta + dense->weight, 1, y);
}

void flo_dense_forward_units(const flo_dense *dense, const flo_real *theta,
                             int64_t first, int64_t count, int64_t B, bool add,
                             const flo_real *x, flo_real *y)
{
    const int64_t k = dense->inputs;
    const flo_real *const weight = theta + dense->weight + first * k;
    y += first * B;
    flo_bias_forward_units(count, B, add, theta + dense->bias + first, y);
    flo_product_nt_part(count, B, k, weight, k, x, k, 1, y, B);
}

void flo_dense_backward(const flo_dense *dense, const flo_real *theta, int64_t B,
                        bool add, const flo_real *x, const flo_real *dy, flo_real *dx,
                        flo_real *dtheta)
{
    const int64_t n = dense->outputs;
    flo_bias_backward(B, n, dy, dtheta + dense->bias);
    flo_product_tn(B, n, dense->inputs, dy, x, 1, dtheta + dense->weight);
    if (dx)
        flo_product_nn(B, dense->inputs, n, dy, theta + dense->weight, add ? 1 : 0, dx);
}
