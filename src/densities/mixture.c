/* A mixture of normals with diagonal covariance (mixture_normals.h) over all columns,
   its weights, means and scales learned: for data in clusters, which a flow from one
   normal joins by thin bridges (Izmailov et al. 2020, Semi-supervised learning with
   normalizing flows, arXiv 1912.13025, take such a base). */
#include "densities/conditional.h"
#include "densities/mixture_normals.h"

#include <float.h>
#include <string.h>

typedef struct mixture {
    flo_conditional_settings settings;
    double spread;
    flo_normals normals;
    flo_conditional numbers; /* the values of one mixture */
} mixture;

static const flo_setting rows[] = {
    FLO_NORMALS_ROWS(mixture, normals, "10"),
    {.name = "spread",
     .type = FLO_NUMBER,
     .offset = offsetof(mixture, spread),
     .low = DBL_MIN,
     .high = 100,
     .fallback = "0.5",
     .help =
         "deviation of the means at the start, drawn by the seed; the scales are 1"},
    FLO_CONDITIONAL_ROWS(mixture, settings),
    {.name = NULL}};
static const flo_settings settings = {"mixture",
                                      "mixture of diagonal normals with learned "
                                      "weights, means and scales, moved by context "
                                      "columns",
                                      rows};

/* Work: what is prepared of a mixture. Cache: responsibilities [B, K]. */
static flo_status configure(flo_density *self, flo_arena *arena, flo_node *node)
{
    mixture *s;
    const int64_t D = self->features;
    FLO_TRY(flo_density_needs_features(self, arena, node));
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    const int64_t K = s->normals.components;
    s->normals.features = D;
    flo_layout *const layout = &self->parameters;
    int64_t ignored;
    FLO_TRY(flo_layout_add(layout, K, 0, false, &ignored, "logit"));
    FLO_TRY(flo_layout_add(layout, K, D, false, &ignored, "mean"));
    FLO_TRY(flo_layout_add(layout, K, D, false, &ignored, "log_scale"));
    self->normals = D;
    self->uniforms = 1;
    self->state = s;
    FLO_TRY(flo_conditional_configure(&s->numbers, arena, node, &s->settings,
                                      flo_normals_prepared(&s->normals), self));
    self->cache += K;
    return FLO_OK;
}

static void init(const flo_density *self, flo_random_key key, flo_real *theta)
{
    const mixture *const s = self->state;
    const int64_t K = s->normals.components, means = K * self->features;
    memset(theta, 0, (size_t)s->numbers.numbers * sizeof *theta);
    flo_random_normal(key, 0, means, theta + K);
    for (int64_t i = 0; i < means; i++)
        theta[K + i] *= (flo_real)s->spread;
    key.b++;
    flo_conditional_init(&s->numbers, key, theta);
}

static void log_prob(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob)
{
    const mixture *const s = self->state;
    const int64_t D = self->features, K = s->normals.components;
    const int64_t prepared = flo_normals_prepared(&s->normals);
    const flo_numbers n = flo_conditional_forward(&s->numbers, theta, pass);
    flo_real *const responsibility = flo_conditional_cache(&s->numbers, pass);
    flo_normals_prepare(&s->normals, n.sets, n.value, n.work);
    for (int64_t i = 0; i < pass->rows; i++)
        log_prob[i] += flo_normals_log_prob(
            &s->normals, n.value + i * n.each * s->numbers.numbers,
            n.work + i * n.each * prepared, z + i * D, responsibility + i * K);
}

static void backward(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta)
{
    const mixture *const s = self->state;
    const int64_t D = self->features, K = s->normals.components;
    const int64_t prepared = flo_normals_prepared(&s->normals);
    const flo_numbers n = flo_conditional_kept(&s->numbers, theta, pass);
    const flo_real *const responsibility = flo_conditional_cache(&s->numbers, pass);
    flo_normals_prepare(&s->normals, n.sets, n.value, n.work);
    flo_real *const dnumbers = flo_conditional_gradient(&s->numbers, pass, dtheta);
    for (int64_t i = 0; i < pass->rows; i++) {
        const int64_t at = i * n.each * s->numbers.numbers;
        flo_normals_backward(&s->normals, n.value + at, n.work + i * n.each * prepared,
                             z + i * D, responsibility + i * K, (flo_real)dlog_prob[i],
                             dz + i * D, dnumbers + at);
    }
    flo_conditional_backward(&s->numbers, theta, pass, dcontext, dtheta);
}

static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    const mixture *const s = self->state;
    const int64_t D = self->features, prepared = flo_normals_prepared(&s->normals);
    const flo_numbers n = flo_conditional_forward(&s->numbers, theta, pass);
    flo_normals_prepare(&s->normals, n.sets, n.value, n.work);
    for (int64_t i = 0; i < pass->rows; i++)
        flo_normals_sample(&s->normals, n.value + i * n.each * s->numbers.numbers,
                           n.work + i * n.each * prepared, uniforms[i], normals + i * D,
                           temperature, z + i * D);
}

const flo_density_kind flo_mixture = {
    .name = "mixture",
    .settings = &settings,
    .configure = configure,
    .init = init,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
