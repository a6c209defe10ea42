/* Activation normalisation: z_j = exp(s_j) x_j + t_j, started from data (Kingma &
   Dhariwal 2018, arXiv 1807.03039, section 3.1).

   The start gives z mean 0 and standard deviation 1 over the rows that it sees: s =
   -log deviation, t = -mean exp(s). Afterwards s and t are learned as any others, and
   rows never depend on each other. A column that does not vary over the start rows, or
   hardly more than its mean is rounded, keeps s = 0 and is only shifted to 0. */
#include "bijections/column_affine.h"

#include <float.h>
#include <math.h>

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "actnorm",
    "scales and shifts every column by learned numbers that start from the data", rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, NULL));
    return flo_column_affine_declare(self);
}

static int64_t start(const flo_bijection *self, const flo_moments *moments,
                     flo_real *theta)
{
    const int64_t D = self->features;
    const double epsilon = sizeof(flo_real) == 8 ? DBL_EPSILON : (double)FLT_EPSILON;
    const double least = (double)FLT_MIN; /* so that exp(s) is finite */
    int64_t constant = 0;
    for (int64_t j = 0; j < D; j++) {
        const double mean = moments->mean[j], deviation = moments->deviation[j];
        const bool varies = deviation > fmax(8 * epsilon * fabs(mean), least);
        theta[j] = varies ? (flo_real)-log(deviation) : 0;
        theta[D + j] = (flo_real)(-mean * exp((double)theta[j]));
        constant += !varies;
    }
    return constant;
}

const flo_bijection_kind flo_actnorm = {
    .name = "actnorm",
    .settings = &settings,
    .starts_from_data = true,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = flo_bijection_init_zero,
    .start = start,
    .forward = flo_column_affine_forward,
    .inverse = flo_column_affine_inverse,
    .backward = flo_column_affine_backward,
};
