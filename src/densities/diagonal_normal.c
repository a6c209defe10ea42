/* Independent normal columns with learned means and scales: u_j = (z_j - m_j)
   exp(-s_j), log p = -sum_j (s_j + u_j^2 / 2 + log(2 pi) / 2), the log-scale s_j = a_j
   / (1 + |a_j| / limit) softly clamped, so that no row drives a scale to zero. */
#include "densities/conditional.h"

#include "core/soft_clamp.h"

#include <string.h>

typedef struct diagonal {
    flo_conditional_settings settings;
    double scale_limit;
    flo_conditional numbers; /* m [D], a [D] */
} diagonal;

static const flo_setting rows[] = {{.name = "scale_limit",
                                    .type = FLO_NUMBER,
                                    .offset = offsetof(diagonal, scale_limit),
                                    .low = 0.01,
                                    .high = 20,
                                    .fallback = "7",
                                    .help = "soft bound on the log-scale of a column"},
                                   FLO_CONDITIONAL_ROWS(diagonal, settings),
                                   {.name = NULL}};
static const flo_settings settings = {"diagonal_normal",
                                      "independent normal columns with learned means "
                                      "and scales, moved by context columns",
                                      rows};

static flo_status configure(flo_density *self, flo_arena *arena, flo_node *node)
{
    diagonal *s;
    const int64_t D = self->features;
    FLO_TRY(flo_density_needs_features(self, arena, node));
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    int64_t ignored;
    FLO_TRY(flo_layout_add(&self->parameters, D, 0, false, &ignored, "mean"));
    FLO_TRY(flo_layout_add(&self->parameters, D, 0, false, &ignored, "log_scale"));
    self->normals = D;
    self->state = s;
    return flo_conditional_configure(&s->numbers, arena, node, &s->settings, 0, self);
}

static void init(const flo_density *self, flo_random_key key, flo_real *theta)
{
    const diagonal *const s = self->state;
    memset(theta, 0, (size_t)s->numbers.numbers * sizeof *theta);
    flo_conditional_init(&s->numbers, key, theta);
}

static void log_prob(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob)
{
    const diagonal *const s = self->state;
    const int64_t D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_numbers n = flo_conditional_forward(&s->numbers, theta, pass);
    for (int64_t i = 0; i < pass->rows; i++) {
        const flo_real *const m = n.value + i * n.each * 2 * D, *const a = m + D;
        double sum = 0;
        for (int64_t j = 0; j < D; j++) {
            const flo_real log_scale = flo_soft_clamp(a[j], inverse_limit);
            const double u =
                ((double)z[i * D + j] - (double)m[j]) * (double)flo_exp(-log_scale);
            sum += (double)log_scale + 0.5 * u * u;
        }
        log_prob[i] -= sum + (double)D * FLO_HALF_LOG_TWO_PI;
    }
}

/* dz = -u exp(-s),  dm = u exp(-s),  da = (u^2 - 1) ds/da. */
static void backward(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta)
{
    const diagonal *const s = self->state;
    const int64_t D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_numbers n = flo_conditional_kept(&s->numbers, theta, pass);
    flo_real *const dnumbers = flo_conditional_gradient(&s->numbers, pass, dtheta);
    for (int64_t i = 0; i < pass->rows; i++) {
        const int64_t at = i * n.each * 2 * D;
        const flo_real *const m = n.value + at, *const a = m + D;
        flo_real *const dm = dnumbers + at, *const da = dm + D;
        for (int64_t j = 0; j < D; j++) {
            const flo_real inverse = flo_exp(-flo_soft_clamp(a[j], inverse_limit));
            const flo_real u = (z[i * D + j] - m[j]) * inverse;
            const flo_real g = (flo_real)dlog_prob[i];
            dz[i * D + j] = -g * u * inverse;
            dm[j] += g * u * inverse;
            da[j] += g * (u * u - 1) * flo_soft_clamp_slope(a[j], inverse_limit);
        }
    }
    flo_conditional_backward(&s->numbers, theta, pass, dcontext, dtheta);
}

static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    (void)uniforms;
    const diagonal *const s = self->state;
    const int64_t D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_numbers n = flo_conditional_forward(&s->numbers, theta, pass);
    for (int64_t i = 0; i < pass->rows; i++) {
        const flo_real *const m = n.value + i * n.each * 2 * D, *const a = m + D;
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] = m[j] + (flo_real)temperature * normals[i * D + j] *
                                      flo_exp(flo_soft_clamp(a[j], inverse_limit));
    }
}

const flo_density_kind flo_diagonal_normal = {
    .name = "diagonal_normal",
    .settings = &settings,
    .configure = configure,
    .init = init,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
