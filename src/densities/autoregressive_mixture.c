/* Mixture of normals column by column, each conditional on the columns before and the
   context, by one masked network (MADE MoG: Germain et al. 2015, arXiv 1502.03509;
   Papamakarios et al. 2017, Masked autoregressive flow, arXiv 1705.07057):
   log p(z) = sum_j log sum_k exp(log w_jk + log N(z_j; m_jk, exp(s_jk))). */
#include "densities/density.h"

#include "core/soft_clamp.h"
#include "densities/mixture_normals.h"
#include "linalg/transpose.h"
#include "nn/masked.h"

#include <string.h>

typedef struct autoregressive {
    flo_network_settings network;
    flo_normals normals; /* of one column */
    flo_masked masked;   /* [B, D] -> [B, D, values of a mixture] */
} autoregressive;

static const flo_setting rows[] = {FLO_NORMALS_ROWS(autoregressive, normals, "10"),
                                   FLO_NETWORK_ROWS(autoregressive, network),
                                   {.name = NULL}};
static const flo_settings settings = {
    "autoregressive_mixture",
    "mixture of normals for every column, by a masked network of the columns before it "
    "and of the context columns",
    rows};

/* Cache: values [B, D, V], prepared [B, D, W], responsibilities [B, D, K], the
   network's. Scratch: derivatives by the values [B, D, V], values or these transposed
   [D, V, B], the network's. */
static flo_status configure(flo_density *self, flo_arena *arena, flo_node *node)
{
    autoregressive *s;
    const int64_t D = self->features;
    FLO_TRY(flo_density_needs_features(self, arena, node));
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    s->normals.features = 1;
    const int64_t V = flo_normals_values(&s->normals);
    const int64_t W = flo_normals_prepared(&s->normals);
    FLO_TRY(flo_masked_configure(&s->masked, arena, node, &s->network, D, NULL,
                                 self->context, V, &self->parameters));
    self->cache = D * (V + W + s->normals.components) + s->masked.network.cache;
    self->scratch = 2 * D * V + s->masked.scratch;
    self->noise = s->masked.network.noise;
    self->normals = D;
    self->uniforms = D;
    self->state = s;
    return FLO_OK;
}

/* With its last map zero the network gives the bias: K means evenly spaced with
   variance 1/2 and K equal scales of variance 1/2, close to a standard normal. */
static void init(const flo_density *self, flo_random_key key, flo_real *theta)
{
    const autoregressive *const s = self->state;
    const int64_t K = s->normals.components;
    const double step = K > 1 ? sqrt(6 / ((double)K * (double)K - 1)) : 0;
    const double log_scale = K > 1 ? 0.5 * log(0.5) : 0;
    const double a = flo_soft_clamp_inverse(log_scale, s->normals.scale_limit);
    flo_masked_init(&s->masked, key, theta);
    for (int64_t j = 0; j < self->features; j++) {
        flo_real *const bias = theta + s->masked.network.output_bias + j * 3 * K;
        for (int64_t k = 0; k < K; k++) {
            bias[k] = 0;
            bias[K + k] = (flo_real)(step * ((double)k - 0.5 * (double)(K - 1)));
            bias[2 * K + k] = (flo_real)a;
        }
    }
}

/* Where everything of a pass lies. */
typedef struct memory {
    flo_real *values, *prepared, *responsibility, *dvalues;
    flo_real *transposed; /* values or dvalues [D, V, B] */
    flo_pass network;
} memory;

static memory split(const autoregressive *s, int64_t D, const flo_pass *pass)
{
    const int64_t BD = pass->rows * D, V = flo_normals_values(&s->normals);
    memory m = {.values = pass->cache, .dvalues = pass->scratch, .network = *pass};
    m.prepared = m.values + BD * V;
    m.responsibility = m.prepared + BD * flo_normals_prepared(&s->normals);
    m.network.cache = m.responsibility + BD * s->normals.components;
    m.transposed = m.dvalues + BD * V;
    m.network.scratch = m.transposed + BD * V;
    return m;
}

static void log_prob(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob)
{
    const autoregressive *const s = self->state;
    const int64_t D = self->features, K = s->normals.components;
    const int64_t V = flo_normals_values(&s->normals);
    const int64_t W = flo_normals_prepared(&s->normals);
    const memory m = split(s, D, pass);
    flo_masked_forward(&s->masked, theta, &m.network, z, m.transposed);
    flo_transpose(D * V, pass->rows, m.transposed, pass->rows, m.values, D * V);
    flo_normals_prepare(&s->normals, pass->rows * D, m.values, m.prepared);
    for (int64_t i = 0; i < pass->rows; i++) {
        double sum = 0;
        for (int64_t c = i * D; c < (i + 1) * D; c++)
            sum +=
                flo_normals_log_prob(&s->normals, m.values + c * V, m.prepared + c * W,
                                     z + c, m.responsibility + c * K);
        log_prob[i] += sum;
    }
}

static void backward(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta)
{
    const autoregressive *const s = self->state;
    const int64_t D = self->features, K = s->normals.components;
    const int64_t V = flo_normals_values(&s->normals);
    const int64_t W = flo_normals_prepared(&s->normals);
    const memory m = split(s, D, pass);
    memset(m.dvalues, 0, (size_t)(pass->rows * D * V) * sizeof *m.dvalues);
    for (int64_t c = 0; c < pass->rows * D; c++)
        flo_normals_backward(&s->normals, m.values + c * V, m.prepared + c * W, z + c,
                             m.responsibility + c * K, (flo_real)dlog_prob[c / D],
                             dz + c, m.dvalues + c * V);
    flo_transpose(pass->rows, D * V, m.dvalues, D * V, m.transposed, pass->rows);
    flo_masked_backward(&s->masked, theta, &m.network, z, m.transposed, dz, dcontext,
                        dtheta);
}

/* What a column of a sample is made of. */
typedef struct draw {
    const flo_density *density;
    const flo_real *normals, *uniforms; /* [B, D] each */
    double temperature;
    flo_real *values, *prepared; /* [V], [W], of one mixture */
} draw;

static void draw_column(void *owner, int64_t j, int64_t B, const flo_real *out,
                        flo_real *x)
{
    const draw *const d = owner;
    const autoregressive *const s = d->density->state;
    const int64_t D = d->density->features, V = flo_normals_values(&s->normals);
    for (int64_t i = 0; i < B; i++) {
        const int64_t at = i * D + j;
        for (int64_t k = 0; k < V; k++)
            d->values[k] = out[k * B + i];
        flo_normals_prepare(&s->normals, 1, d->values, d->prepared);
        flo_normals_sample(&s->normals, d->values, d->prepared, d->uniforms[at],
                           d->normals + at, d->temperature, x + at);
    }
}

/* The temperature narrows every component given the columns drawn before it; which
   component it leaves alone. */
static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    const autoregressive *const s = self->state;
    const memory m = split(s, self->features, pass);
    draw d = {self, normals, uniforms, temperature, m.values, m.prepared};
    flo_masked_solve(&s->masked, theta, &m.network, draw_column, &d, z);
}

const flo_density_kind flo_autoregressive_mixture = {
    .name = "autoregressive_mixture",
    .settings = &settings,
    .configure = configure,
    .init = init,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
