/* Planar flow: z = x + u^ tanh(w . x + b) (Rezende & Mohamed 2015, arXiv 1505.05770).

   u^ = u + ((s - 1) - w . u) w / |w|^2 with s = softplus(w . u + c) + m (positive.h),
   so that w . u^ = s - 1 > -1, which makes the map invertible (their appendix A.1).
   Their softplus is shifted so that u = 0 gives u^ = 0: u starts at zero, hence the map
   as the identity, while w is drawn, hence u has a gradient. It also bounds u^ where w
   goes to 0.

   With h = tanh(w . x + b): det dz/dx = 1 + (s - 1)(1 - h^2). The inverse solves
   a + (s - 1) tanh a = w . z + b for a = w . x + b (tanh_equation.h), then x = z - u^
   tanh a. Where that has no solution (z is not finite) NaN goes through to logdet. */
#include "bijections/bijection.h"

#include "bijections/positive.h"
#include "bijections/tanh_equation.h"
#include "core/vector.h"
#include "linalg/products.h"

#include <string.h>

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "planar", "bends space along one direction; its inverse is numerical", rows};

/* The layer's parameters, and what follows from them. */
typedef struct plane {
    const flo_real *w, *u, *b; /* [D], [D], [1] */
    flo_real *bent;            /* u^ [D] */
    double s;
    double wu, ww; /* w . u, |w|^2 */
    double along;  /* of w in u^: ((s - 1) - w . u) / |w|^2 */
} plane;

/* Parameters: w [D], u [D], b. Cache: h [B]. Scratch: u^ [D], du^ [D], da [B]. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    int64_t ignored;
    const int64_t D = self->features;
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, NULL));
    self->cache = 1;
    self->scratch = 1;
    self->scratch_fixed = 2 * D;
    FLO_TRY(flo_layout_add(&self->parameters, D, 0, false, &ignored, "w"));
    FLO_TRY(flo_layout_add(&self->parameters, D, 0, false, &ignored, "u"));
    return flo_layout_add(&self->parameters, 1, 0, false, &ignored, "b");
}

/* w is drawn with |w| about 1. */
static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    const int64_t D = self->features;
    const flo_real deviation = (flo_real)(1 / sqrt((double)D));
    flo_bijection_init_zero(self, key, theta);
    flo_random_normal(key, 0, D, theta);
    for (int64_t j = 0; j < D; j++)
        theta[j] *= deviation;
}

static double dot(int64_t D, const flo_real *a, const flo_real *b)
{
    double sum = 0;
    for (int64_t j = 0; j < D; j++)
        sum += (double)a[j] * (double)b[j];
    return sum;
}

static plane plane_of(int64_t D, const flo_real *theta, flo_real *bent)
{
    plane p = {.w = theta, .u = theta + D, .b = theta + 2 * D, .bent = bent};
    p.wu = dot(D, p.w, p.u);
    p.ww = dot(D, p.w, p.w);
    p.s = (double)flo_positive((flo_real)p.wu);
    p.along = p.ww > 0 ? (p.s - 1 - p.wu) / p.ww : 0;
    for (int64_t j = 0; j < D; j++)
        bent[j] = (flo_real)((double)p.u[j] + p.along * (double)p.w[j]);
    return p;
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const int64_t B = pass->rows, D = self->features;
    const plane p = plane_of(D, theta, pass->scratch);
    flo_real *const h = pass->cache;
    flo_product_nt(B, 1, D, x, p.w, 0, h);
    for (int64_t i = 0; i < B; i++)
        h[i] += *p.b;
    flo_vector_tanh(B, h, h);
    for (int64_t i = 0; i < B; i++) {
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] = x[i * D + j] + h[i] * p.bent[j];
        logdet[i] += log(flo_tanh_equation_slope(p.s, (double)h[i]));
    }
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const int64_t D = self->features;
    const plane p = plane_of(D, theta, pass->scratch);
    for (int64_t i = 0; i < pass->rows; i++) {
        const double y = dot(D, z + i * D, p.w) + (double)*p.b;
        const double h = tanh(flo_tanh_equation_root(p.s, y));
        for (int64_t j = 0; j < D; j++)
            x[i * D + j] = (flo_real)((double)z[i * D + j] - h * (double)p.bent[j]);
        logdet[i] -= log(flo_tanh_equation_slope(p.s, h));
    }
}

/* From du^ and ds, the derivatives by u^ and s: adds those by w and u through
   u^ = u + along w, along = (s(w . u) - 1 - w . u) / |w|^2. */
static void backward_bent(int64_t D, const plane *p, const flo_real *dbent, double ds,
                          flo_real *dw, flo_real *du)
{
    const double dalong = p->ww > 0 ? dot(D, dbent, p->w) / p->ww : 0;
    const double slope = (double)flo_positive_slope((flo_real)p->wu);
    const double dwu = (ds + dalong) * slope - dalong;
    const double dww = -p->along * dalong;
    for (int64_t j = 0; j < D; j++) {
        const double w = (double)p->w[j], u = (double)p->u[j], d = (double)dbent[j];
        du[j] += (flo_real)(d + dwu * w);
        dw[j] += (flo_real)(p->along * d + dwu * u + 2 * dww * w);
    }
}

/* da = (dz . u^ + dlogdet 2 h (1 - s) / det)(1 - h^2);  dx = dz + da w. */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)dcontext;
    const int64_t B = pass->rows, D = self->features;
    const plane p = plane_of(D, theta, pass->scratch);
    const flo_real *const h = pass->cache;
    flo_real *const dbent = p.bent + D, *const da = dbent + D;
    flo_real *const dw = dtheta, *const du = dw + D, *const db = du + D;
    double ds = 0, sum = 0;
    flo_product_nt(B, 1, D, dz, p.bent, 0, da);
    for (int64_t i = 0; i < B; i++) {
        const double t = (double)h[i], bend = (1 - t) * (1 + t);
        const double d = dlogdet[i] / flo_tanh_equation_slope(p.s, t);
        const double one = ((double)da[i] + 2 * d * t * (1 - p.s)) * bend;
        ds += d * bend;
        sum += one;
        da[i] = (flo_real)one;
        for (int64_t j = 0; j < D; j++)
            dx[i * D + j] = dz[i * D + j] + da[i] * p.w[j];
    }
    *db += (flo_real)sum;
    flo_product_tn(B, 1, D, h, dz, 0, dbent);
    flo_product_tn(B, 1, D, da, x, 1, dw);
    backward_bent(D, &p, dbent, ds, dw, du);
}

const flo_bijection_kind flo_planar = {
    .name = "planar",
    .settings = &settings,
    .configure = configure,
    .fit = flo_bijection_fit_nothing,
    .prepare = flo_bijection_prepare_nothing,
    .init = init,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};
