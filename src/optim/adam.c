/* Adam (Kingma & Ba 2015, arXiv 1412.6980) and AdamW with decoupled decay (Loshchilov &
   Hutter 2019, arXiv 1711.05101). */
#include "optim/optimizer.h"

#include <math.h>

static void adam(const flo_optimizer_settings *settings,
                 const flo_step_numbers *numbers, double decay, int64_t n,
                 const flo_real *gradient, flo_real *theta, flo_real *const *moment)
{
    const double t = (double)numbers->step;
    const double correction1 = 1 - pow(settings->beta1, t);
    const double correction2 = 1 - pow(settings->beta2, t);
    const flo_real scale = (flo_real)numbers->gradient_scale;
    const flo_real beta1 = (flo_real)settings->beta1, beta2 = (flo_real)settings->beta2;
    const flo_real epsilon = (flo_real)settings->epsilon;
    const flo_real rate = (flo_real)(numbers->rate / correction1);
    const flo_real inverse2 = (flo_real)(1 / correction2);
    const flo_real keep = (flo_real)(1 - numbers->rate * decay);
    flo_real *const restrict m = moment[0], *const restrict v = moment[1];
    for (int64_t i = 0; i < n; i++) {
        const flo_real g = scale * gradient[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
#ifdef FLOTILLA_DOUBLE
        const flo_real root = sqrt(v[i] * inverse2);
#else
        const flo_real root = sqrtf(v[i] * inverse2);
#endif
        theta[i] = keep * theta[i] - rate * m[i] / (root + epsilon);
    }
}

static void update_adam(const flo_optimizer_settings *settings,
                        const flo_step_numbers *numbers, bool decay, int64_t n,
                        const flo_real *gradient, flo_real *theta,
                        flo_real *const *moment)
{
    (void)decay;
    adam(settings, numbers, 0, n, gradient, theta, moment);
}

static void update_adamw(const flo_optimizer_settings *settings,
                         const flo_step_numbers *numbers, bool decay, int64_t n,
                         const flo_real *gradient, flo_real *theta,
                         flo_real *const *moment)
{
    adam(settings, numbers, decay ? settings->weight_decay : 0, n, gradient, theta,
         moment);
}

const flo_optimizer_kind flo_adam = {"adam", 2, update_adam};
const flo_optimizer_kind flo_adamw = {"adamw", 2, update_adamw};
