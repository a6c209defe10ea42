/* Activation functions: rectifier, tanh and the sigmoid-weighted unit. */
#include "nn/activation.h"

#include "core/elementary.h"
#include "core/vector.h"

/* Written so that NaN passes: a bad value must reach the log-likelihood and be seen. */
static void relu(int64_t n, const flo_real *p, flo_real *h)
{
    for (int64_t i = 0; i < n; i++)
        h[i] = p[i] < 0 ? 0 : p[i];
}

static void relu_backward(int64_t n, const flo_real *p, const flo_real *h,
                          const flo_real *dh, flo_real *dp)
{
    (void)p;
    for (int64_t i = 0; i < n; i++)
        dp[i] = h[i] > 0 ? dh[i] : 0;
}

static void tanh_backward(int64_t n, const flo_real *p, const flo_real *h,
                          const flo_real *dh, flo_real *dp)
{
    (void)p;
    for (int64_t i = 0; i < n; i++)
        dp[i] = dh[i] * (1 - h[i] * h[i]);
}

/* x sigmoid(x), Elfwing et al. 2017. */
static void silu(int64_t n, const flo_real *p, flo_real *h)
{
    for (int64_t i = 0; i < n; i++)
        h[i] = p[i] * flo_sigmoid(p[i]);
}

static void silu_backward(int64_t n, const flo_real *p, const flo_real *h,
                          const flo_real *dh, flo_real *dp)
{
    (void)h;
    for (int64_t i = 0; i < n; i++) {
        const flo_real s = flo_sigmoid(p[i]);
        dp[i] = dh[i] * s * (1 + p[i] * (1 - s));
    }
}

static const flo_activation activations[] = {
    {"relu", false, relu, relu_backward},
    {"tanh", false, flo_vector_tanh, tanh_backward},
    {"silu", true, silu, silu_backward},
};

const flo_activation *flo_activation_at(int index)
{
    return &activations[index];
}
