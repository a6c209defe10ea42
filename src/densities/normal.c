/* The standard normal density in D dimensions; columns that are angles are uniform on
   their circle, at any temperature. */
#include "densities/density.h"

#include <math.h>

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "normal", "standard normal; angles are uniform on their circle", rows};

static bool is_angle(const flo_density *self, int64_t j)
{
    return self->angles && self->angles[j];
}

static flo_status configure(flo_density *self, flo_arena *arena, flo_node *node)
{
    FLO_TRY(flo_density_needs_features(self, arena, node));
    self->normals = self->features;
    return flo_settings_read(arena, NULL, node, &settings, NULL);
}

static void log_prob(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob)
{
    (void)theta;
    const int64_t D = self->features;
    int64_t halves = D; /* an angle has log(2 pi), twice what a normal column has */
    for (int64_t j = 0; j < D; j++)
        halves += is_angle(self, j);
    for (int64_t i = 0; i < pass->rows; i++) {
        double squares = 0;
        for (int64_t j = 0; j < D; j++) {
            const double at = (double)z[i * D + j];
            squares += is_angle(self, j) ? 0 * at : at * at; /* 0 * NaN is NaN */
        }
        log_prob[i] -= 0.5 * squares + (double)halves * FLO_HALF_LOG_TWO_PI;
    }
}

static void backward(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta)
{
    (void)theta, (void)dcontext, (void)dtheta;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows; i++)
        for (int64_t j = 0; j < D; j++)
            dz[i * D + j] =
                is_angle(self, j) ? 0 : -(flo_real)dlog_prob[i] * z[i * D + j];
}

static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    (void)theta;
    const int64_t D = self->features;
    for (int64_t i = 0; i < pass->rows * D; i++)
        z[i] = (flo_real)temperature * normals[i];
    for (int64_t j = 0; j < D; j++)
        for (int64_t i = j; is_angle(self, j) && i < pass->rows * D; i += D)
            z[i] = (flo_real)(2 * M_PI * ((double)uniforms[i] - 0.5));
}

const flo_density_kind flo_normal = {
    .name = "normal",
    .settings = &settings,
    .circular = true,
    .configure = configure,
    .init = flo_density_init_nothing,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
