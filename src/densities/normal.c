/* The standard normal density in D dimensions. */
#include "densities/density.h"

#include <string.h>

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {"normal", "standard normal", rows};

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
    for (int64_t i = 0; i < pass->rows; i++) {
        double squares = 0;
        for (int64_t j = 0; j < D; j++)
            squares += (double)z[i * D + j] * (double)z[i * D + j];
        log_prob[i] -= 0.5 * squares + (double)D * FLO_HALF_LOG_TWO_PI;
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
            dz[i * D + j] = -(flo_real)dlog_prob[i] * z[i * D + j];
}

static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    (void)theta, (void)uniforms;
    for (int64_t i = 0; i < pass->rows * self->features; i++)
        z[i] = (flo_real)temperature * normals[i];
}

const flo_density_kind flo_normal = {
    .name = "normal",
    .settings = &settings,
    .configure = configure,
    .init = flo_density_init_nothing,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
