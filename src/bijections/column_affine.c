/* Columns scaled and shifted by learned numbers. */
#include "bijections/column_affine.h"

#include "core/vector.h"

flo_status flo_column_affine_declare(flo_bijection *self)
{
    int64_t ignored;
    const int64_t D = self->features;
    self->scratch_fixed = D;
    FLO_TRY(flo_layout_add(&self->parameters, D, 0, false, &ignored, "log_scale"));
    return flo_layout_add(&self->parameters, D, 0, false, &ignored, "shift");
}

static double sum(int64_t D, const flo_real *s)
{
    double total = 0;
    for (int64_t j = 0; j < D; j++)
        total += (double)s[j];
    return total;
}

void flo_column_affine_forward(const flo_bijection *self, const flo_real *theta,
                               const flo_pass *pass, const flo_real *x, flo_real *z,
                               double *logdet)
{
    const int64_t D = self->features;
    const flo_real *const shift = theta + D;
    flo_real *const scale = pass->scratch;
    flo_vector_exp(D, theta, scale);
    const double row = sum(D, theta);
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] = scale[j] * x[i * D + j] + shift[j];
        logdet[i] += row;
    }
}

void flo_column_affine_inverse(const flo_bijection *self, const flo_real *theta,
                               const flo_pass *pass, const flo_real *z, flo_real *x,
                               double *logdet)
{
    const int64_t D = self->features;
    const flo_real *const shift = theta + D;
    flo_real *const scale = pass->scratch;
    flo_vector_exp(D, theta, scale);
    const double row = sum(D, theta);
    for (int64_t i = 0; i < pass->rows; i++) {
        for (int64_t j = 0; j < D; j++)
            x[i * D + j] = (z[i * D + j] - shift[j]) / scale[j];
        logdet[i] -= row;
    }
}

void flo_column_affine_backward(const flo_bijection *self, const flo_real *theta,
                                const flo_pass *pass, const flo_real *x,
                                const flo_real *dz, const double *dlogdet, flo_real *dx,
                                flo_real *dcontext, flo_real *dtheta)
{
    (void)dcontext;
    const int64_t D = self->features;
    flo_real *const scale = pass->scratch, *const dscale = dtheta,
                    *const dshift = dtheta + D;
    flo_vector_exp(D, theta, scale);
    for (int64_t i = 0; i < pass->rows; i++)
        for (int64_t j = 0; j < D; j++) {
            const flo_real d = dz[i * D + j];
            dx[i * D + j] = d * scale[j];
            dscale[j] += d * scale[j] * x[i * D + j] + (flo_real)dlogdet[i];
            dshift[j] += d;
        }
}
