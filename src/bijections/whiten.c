/* Whitening: z = W (x - mean) / deviation, W lower triangular with W^T W the inverse of
   the correlations of the training rows, these drawn to 0 where rows are few against
   columns (train/covariance.h). Over a standard normal it is the normal with the rows'
   mean and covariance, so a flow behind it starts there.

   W = diag(s) U, U unit lower triangular; one tensor `factors` [D, D] holds s on its
   diagonal and U below it, zeros above. */
#include "bijections/bijection.h"

#include "linalg/products.h"

#include <math.h>

typedef struct whiten {
    const double *mean, *deviation; /* [D], borrowed from the constants */
    flo_real *factors;              /* [D, D], as the products take it */
    double logdet;                  /* of one row */
} whiten;

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "whiten",
    "all columns to mean 0, standard deviation 1 and no correlations, by a triangular "
    "matrix; correlations that few rows do not support count less",
    rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    int64_t ignored;
    const int64_t D = self->features;
    whiten *s;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, NULL));
    FLO_TRY(flo_arena_take(arena, D * D, sizeof *s->factors, &s->factors));
    self->state = s;
    FLO_TRY(flo_layout_add(&self->constants, D, 0, false, &ignored, "mean"));
    FLO_TRY(flo_layout_add(&self->constants, D, 0, false, &ignored, "deviation"));
    return flo_layout_add(&self->constants, D, D, false, &ignored, "factors");
}

static flo_status fit(const flo_bijection *self, flo_context *context,
                      const flo_place *place, const flo_moments *moments,
                      double *constants)
{
    (void)place;
    const int64_t D = self->features;
    double *const factors = constants + 2 * D;
    for (int64_t j = 0; j < D; j++) {
        const double mean = moments->mean[j], deviation = moments->deviation[j];
        if (!(deviation > 0) || !isfinite(deviation))
            return flo_fail(context, FLO_ERROR_DATA,
                            "whiten: column %lld has standard deviation %g (mean %g), "
                            "wanted a column that varies; leave the constant column "
                            "out with data.columns",
                            (long long)j, deviation, mean);
        const double *const row = moments->whitening + j * moments->whitening_row;
        constants[j] = mean;
        constants[D + j] = deviation;
        for (int64_t k = 0; k < D; k++)
            factors[j * D + k] = k < j ? row[k] / row[j] : 0;
        factors[j * D + j] = row[j];
    }
    return FLO_OK;
}

static flo_status prepare(flo_bijection *self, flo_context *context,
                          const double *constants)
{
    whiten *const s = self->state;
    const int64_t D = self->features;
    s->mean = constants;
    s->deviation = constants + D;
    s->logdet = 0;
    for (int64_t j = 0; j < D; j++) {
        const double scale = constants[2 * D + j * D + j];
        if (!(s->deviation[j] > 0) || !(scale > 0))
            return flo_fail(context, FLO_ERROR_FILE,
                            "whiten: stored deviation and scale of column %lld are %g "
                            "and %g, wanted positive numbers",
                            (long long)j, s->deviation[j], scale);
        s->logdet += log(scale) - log(s->deviation[j]);
    }
    for (int64_t i = 0; i < D * D; i++)
        s->factors[i] = (flo_real)constants[2 * D + i];
    return FLO_OK;
}

/* x - mean in double: x may be large against its deviation. */
static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)theta;
    const whiten *const s = self->state;
    const int64_t B = pass->rows, D = self->features;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] =
                (flo_real)(((double)x[i * D + j] - s->mean[j]) / s->deviation[j]);
    flo_triangle_product(B, D, s->factors, true, true, z);
    for (int64_t i = 0; i < B; i++) {
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] *= s->factors[j * D + j];
        logdet[i] += s->logdet;
    }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)theta;
    const whiten *const s = self->state;
    const int64_t B = pass->rows, D = self->features;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            x[i * D + j] = z[i * D + j] / s->factors[j * D + j];
    flo_triangle_solve(B, D, s->factors, true, true, x);
    for (int64_t i = 0; i < B; i++) {
        for (int64_t j = 0; j < D; j++)
            x[i * D + j] =
                (flo_real)((double)x[i * D + j] * s->deviation[j] + s->mean[j]);
        logdet[i] -= s->logdet;
    }
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)theta, (void)x, (void)dlogdet, (void)dcontext, (void)dtheta;
    const whiten *const s = self->state;
    const int64_t B = pass->rows, D = self->features;
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            dx[i * D + j] = dz[i * D + j] * s->factors[j * D + j];
    flo_triangle_product(B, D, s->factors, true, false, dx);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            dx[i * D + j] = (flo_real)((double)dx[i * D + j] / s->deviation[j]);
}

const flo_bijection_kind flo_whiten = {
    .name = "whiten",
    .settings = &settings,
    .fitted = true,
    .correlates = true,
    .configure = configure,
    .fit = fit,
    .prepare = prepare,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
