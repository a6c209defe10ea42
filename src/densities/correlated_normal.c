/* A normal density whose columns form a first-order autoregression: an analytic target
   with known moments and evidence.

   u_j = (x_j - mean) / deviation;  e_0 = u_0,  e_j = (u_j - r u_{j-1}) / sqrt(1 - r^2)
   are independent standard normals, so that corr(x_i, x_j) = r^|i-j|. */
#include "densities/density.h"

#include <math.h>

typedef struct correlated {
    int64_t features;
    double mean, deviation, correlation, log_evidence;
    double spread; /* sqrt(1 - r^2) */
    double log_constant;
} correlated;

static const flo_setting rows[] = {
    {.name = "features",
     .type = FLO_INTEGER,
     .offset = offsetof(correlated, features),
     .low = 1,
     .high = 1 << 20,
     .fallback = "2",
     .help = "columns, where nothing else says how many"},
    {.name = "mean",
     .type = FLO_NUMBER,
     .offset = offsetof(correlated, mean),
     .low = -1e6,
     .high = 1e6,
     .fallback = "0",
     .help = "mean of every column"},
    {.name = "deviation",
     .type = FLO_NUMBER,
     .offset = offsetof(correlated, deviation),
     .low = 1e-6,
     .high = 1e6,
     .fallback = "1",
     .help = "standard deviation of every column"},
    {.name = "correlation",
     .type = FLO_NUMBER,
     .offset = offsetof(correlated, correlation),
     .low = -0.999,
     .high = 0.999,
     .fallback = "0.5",
     .help = "correlation r of neighbours; columns i and j have r^|i-j|"},
    {.name = "log_evidence",
     .type = FLO_NUMBER,
     .offset = offsetof(correlated, log_evidence),
     .low = -1e6,
     .high = 1e6,
     .fallback = "0",
     .help =
         "log of the integral: added to the log-density, as an unknown normaliser is"},
    {.name = NULL}};
static const flo_settings settings = {
    "correlated_normal", "normal with correlations r^|i-j| between columns", rows};

static flo_status configure(flo_density *self, flo_arena *arena, flo_node *node)
{
    correlated *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    if (!self->features)
        self->features = s->features;
    self->normals = self->features;
    self->log_evidence = s->log_evidence;
    self->state = s;
    const double D = (double)self->features;
    s->spread = sqrt(1 - s->correlation * s->correlation);
    s->log_constant = s->log_evidence - D * (FLO_HALF_LOG_TWO_PI + log(s->deviation)) -
                      (D - 1) * log(s->spread);
    return FLO_OK;
}

static void log_prob(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob)
{
    (void)theta;
    const correlated *const s = self->state;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows; i++) {
        double squares = 0, before = 0;
        for (int64_t j = 0; j < D; j++) {
            const double u = ((double)z[i * D + j] - s->mean) / s->deviation;
            const double e = j ? (u - s->correlation * before) / s->spread : u;
            squares += e * e;
            before = u;
        }
        log_prob[i] += s->log_constant - 0.5 * squares;
    }
}

/* d/du_j = -e_j / spread_j + r e_{j+1} / spread, walked from the last column. */
static void backward(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta)
{
    (void)theta, (void)dcontext, (void)dtheta;
    const correlated *const s = self->state;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows; i++) {
        double after = 0; /* e_{j+1} / spread */
        for (int64_t j = D - 1; j >= 0; j--) {
            const double u = ((double)z[i * D + j] - s->mean) / s->deviation;
            const double before =
                j ? ((double)z[i * D + j - 1] - s->mean) / s->deviation : 0;
            const double spread = j ? s->spread : 1;
            const double e = (u - s->correlation * before) / spread;
            const double du = s->correlation * after - e / spread;
            dz[i * D + j] = (flo_real)(dlog_prob[i] * du / s->deviation);
            after = e / spread;
        }
    }
}

static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    (void)theta, (void)uniforms;
    const correlated *const s = self->state;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows; i++) {
        double u = 0;
        for (int64_t j = 0; j < D; j++) {
            const double e = temperature * (double)normals[i * D + j];
            u = j ? s->correlation * u + s->spread * e : e;
            z[i * D + j] = (flo_real)(s->mean + s->deviation * u);
        }
    }
}

const flo_density_kind flo_correlated_normal = {
    .name = "correlated_normal",
    .settings = &settings,
    .configure = configure,
    .init = flo_density_init_nothing,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
