/* Stochastic gradient descent with momentum: v = momentum v + g, theta -= rate v. */
#include "optim/optimizer.h"

static void update(const flo_optimizer_settings *settings,
                   const flo_step_numbers *numbers, bool decay, int64_t n,
                   const flo_real *gradient, flo_real *theta, flo_real *const *moment)
{
    (void)decay;
    const flo_real scale = (flo_real)numbers->gradient_scale;
    const flo_real momentum = (flo_real)settings->momentum;
    const flo_real rate = (flo_real)numbers->rate;
    for (int64_t i = 0; i < n; i++) {
        moment[0][i] = momentum * moment[0][i] + scale * gradient[i];
        theta[i] -= rate * moment[0][i];
    }
}

const flo_optimizer_kind flo_sgd = {"sgd", 1, update};
