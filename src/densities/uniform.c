/* The uniform density on a box, the same interval for every column: log p = -D log(high
   - low) inside, -infinity outside. */
#include "densities/density.h"

#include <math.h>
#include <string.h>

typedef struct box {
    double low, high;
} box;

static const flo_setting rows[] = {{.name = "low",
                                    .type = FLO_NUMBER,
                                    .offset = offsetof(box, low),
                                    .low = -1e6,
                                    .high = 1e6,
                                    .fallback = "0",
                                    .help = "lower end of every column"},
                                   {.name = "high",
                                    .type = FLO_NUMBER,
                                    .offset = offsetof(box, high),
                                    .low = -1e6,
                                    .high = 1e6,
                                    .fallback = "1",
                                    .help = "upper end of every column, above low"},
                                   {.name = NULL}};
static const flo_settings settings = {
    "uniform",
    "uniform on a box; the layers must map into it (the last one a sigmoid, say), as a "
    "row outside has density 0",
    rows};

static flo_status configure(flo_density *self, flo_arena *arena, flo_node *node)
{
    box *s;
    FLO_TRY(flo_density_needs_features(self, arena, node));
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    if (!((flo_real)s->low < (flo_real)s->high))
        return flo_settings_fail(arena, flo_node_find(node, "high"),
                                 "a number above low: %g", s->low);
    self->uniforms = self->features;
    self->state = s;
    return FLO_OK;
}

static void log_prob(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob)
{
    (void)theta;
    const box *const s = self->state;
    const int64_t D = self->features;
    const flo_real low = (flo_real)s->low, high = (flo_real)s->high;
    const double inside = -(double)D * log(s->high - s->low);
    for (int64_t i = 0; i < pass->rows; i++) {
        double value = inside;
        for (int64_t j = 0; j < D; j++) {
            const flo_real at = z[i * D + j];
            if (isnan(at))
                value = (double)NAN;
            else if (at < low || at > high)
                value += -(double)INFINITY;
        }
        log_prob[i] += value;
    }
}

static void backward(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta)
{
    (void)theta, (void)z, (void)dlog_prob, (void)dcontext, (void)dtheta;
    memset(dz, 0, (size_t)(pass->rows * self->features) * sizeof *dz);
}

/* A temperature below 1 shrinks the box to its middle. One above 1 changes nothing: the
   layers need not have an inverse outside. */
static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    (void)theta, (void)normals;
    const box *const s = self->state;
    const double spread = (temperature < 1 ? temperature : 1) * (s->high - s->low);
    const double middle = 0.5 * (s->low + s->high);
    for (int64_t i = 0; i < pass->rows * self->features; i++) {
        const double at = middle + spread * ((double)uniforms[i] - 0.5);
        z[i] = (flo_real)fmin(fmax(at, s->low), s->high); /* rounding may leave it */
    }
}

const flo_density_kind flo_uniform = {
    .name = "uniform",
    .settings = &settings,
    .bounded = true,
    .configure = configure,
    .init = flo_density_init_nothing,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
