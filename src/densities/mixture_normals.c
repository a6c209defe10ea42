/* Mixtures of normals by log-sum-exp, backward by responsibilities r_k = p(k | z). */
#include "densities/mixture_normals.h"

#include "core/soft_clamp.h"
#include "densities/density.h"

#include <math.h>
#include <stdbool.h>

int64_t flo_normals_values(const flo_normals *m)
{
    return m->components * (1 + 2 * m->features);
}

int64_t flo_normals_prepared(const flo_normals *m)
{
    return m->components * (2 + m->features);
}

/* log sum_k exp(e_k), and r_k = exp(e_k) over that sum. A NaN among them gives NaN. */
static flo_real log_sum_exp(int64_t K, const flo_real *e, flo_real *r)
{
    flo_real most = e[0], sum = 0;
    for (int64_t k = 1; k < K; k++)
        most = e[k] > most ? e[k] : most;
    for (int64_t k = 0; k < K; k++)
        r[k] = flo_exp(e[k] - most);
    for (int64_t k = 0; k < K; k++)
        sum += r[k];
    const flo_real inverse = 1 / sum;
    for (int64_t k = 0; k < K; k++)
        r[k] *= inverse;
    return most + flo_log(sum);
}

void flo_normals_prepare(const flo_normals *m, int64_t count, const flo_real *values,
                         flo_real *prepared)
{
    const int64_t K = m->components, n = m->features;
    const flo_real inverse_limit = (flo_real)(1 / m->scale_limit);
    for (int64_t i = 0; i < count; i++) {
        const flo_real *const logit = values + i * K * (1 + 2 * n);
        const flo_real *const a = logit + K + K * n;
        flo_real *const log_weight = prepared + i * K * (2 + n);
        flo_real *const constant = log_weight + K, *const inverse = constant + K;
        const flo_real total = log_sum_exp(K, logit, constant);
        for (int64_t k = 0; k < K; k++) {
            log_weight[k] = logit[k] - total;
            flo_real sum = (flo_real)n * (flo_real)FLO_HALF_LOG_TWO_PI;
            for (int64_t j = k * n; j < (k + 1) * n; j++) {
                const flo_real log_scale = flo_soft_clamp(a[j], inverse_limit);
                inverse[j] = flo_exp(-log_scale);
                sum += log_scale;
            }
            constant[k] = log_weight[k] - sum;
        }
    }
}

/* Where z is so far out that all squares overflow: the same in double, whose range is
   enough for any float. Beyond it the density is 0, and every share is as good. */
static double far_log_prob(const flo_normals *m, const flo_real *values,
                           const flo_real *prepared, const flo_real *z,
                           flo_real *responsibility)
{
    const int64_t K = m->components, n = m->features;
    double most = -INFINITY, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = 0; k < K; k++) {
            double e = (double)prepared[K + k];
            for (int64_t j = k * n; j < (k + 1) * n; j++) {
                const double u = ((double)z[j - k * n] - (double)values[K + j]) *
                                 (double)prepared[2 * K + j];
                e -= 0.5 * u * u;
            }
            most = pass == 0 && e > most ? e : most;
            const double share = isfinite(most) ? exp(e - most) : 1;
            sum += pass == 1 ? share : 0;
            responsibility[k] = (flo_real)share;
        }
    for (int64_t k = 0; k < K; k++)
        responsibility[k] = (flo_real)((double)responsibility[k] / sum);
    return isfinite(most) ? most + log(sum) : most;
}

/* Whether all are -infinity; a NaN is not. */
static bool all_overflow(int64_t K, const flo_real *e)
{
    int64_t k = 0;
    while (k < K && e[k] == -(flo_real)INFINITY)
        k++;
    return k == K;
}

double flo_normals_log_prob(const flo_normals *m, const flo_real *values,
                            const flo_real *prepared, const flo_real *z,
                            flo_real *responsibility)
{
    const int64_t K = m->components, n = m->features;
    const flo_real *const mean = values + K;
    const flo_real *const constant = prepared + K, *const inverse = constant + K;
    for (int64_t k = 0; k < K; k++) {
        flo_real squares = 0;
        for (int64_t j = 0; j < n; j++) {
            const flo_real u = (z[j] - mean[k * n + j]) * inverse[k * n + j];
            squares += u * u;
        }
        responsibility[k] = constant[k] - (flo_real)0.5 * squares;
    }
    if (all_overflow(K, responsibility))
        return far_log_prob(m, values, prepared, z, responsibility);
    return (double)log_sum_exp(K, responsibility, responsibility);
}

/* With u = (z - m) exp(-s):  dlogit_k = g (r_k - w_k),  dm = g r u exp(-s) = -dz of its
   component,  da = g r (u^2 - 1) ds/da. */
void flo_normals_backward(const flo_normals *m, const flo_real *values,
                          const flo_real *prepared, const flo_real *z,
                          const flo_real *responsibility, flo_real g, flo_real *dz,
                          flo_real *dvalues)
{
    const int64_t K = m->components, n = m->features;
    const flo_real inverse_limit = (flo_real)(1 / m->scale_limit);
    const flo_real *const mean = values + K, *const a = mean + K * n;
    const flo_real *const inverse = prepared + 2 * K;
    flo_real *const dmean = dvalues + K, *const da = dmean + K * n;
    for (int64_t j = 0; j < n; j++)
        dz[j] = 0;
    for (int64_t k = 0; k < K; k++) {
        const flo_real share = g * responsibility[k];
        dvalues[k] += share - g * flo_exp(prepared[k]);
        for (int64_t j = 0; j < n; j++) {
            const int64_t at = k * n + j;
            const flo_real u = (z[j] - mean[at]) * inverse[at];
            const flo_real pull = share * u * inverse[at];
            dz[j] -= pull;
            dmean[at] += pull;
            da[at] += share * (u * u - 1) * flo_soft_clamp_slope(a[at], inverse_limit);
        }
    }
}

void flo_normals_sample(const flo_normals *m, const flo_real *values,
                        const flo_real *prepared, flo_real uniform,
                        const flo_real *normals, double temperature, flo_real *z)
{
    const int64_t K = m->components, n = m->features;
    const flo_real *const mean = values + K, *const inverse = prepared + 2 * K;
    int64_t k = 0;
    for (flo_real sum = flo_exp(prepared[0]); k < K - 1 && sum <= uniform;)
        sum += flo_exp(prepared[++k]);
    for (int64_t j = 0; j < n; j++)
        z[j] =
            mean[k * n + j] + (flo_real)temperature * normals[j] / inverse[k * n + j];
}
