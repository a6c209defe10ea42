/* Radial flow: z = x + beta^ (x - x0) / (alpha + r), r = |x - x0| (Rezende & Mohamed
   2015, arXiv 1505.05770).

   alpha > 0 and beta^ = alpha (s - 1) > -alpha, which makes the map invertible (their
   appendix A.2), from free numbers by alpha = positive(raw_alpha), s =
   positive(raw_beta) (positive.h). All raw numbers start at zero, hence alpha = 1 and
   the map as the identity; x0 is drawn, or all layers of a flow would stay alike.

   Seen from x0 a row only changes its distance: z - x0 = q (x - x0) with q = (r + alpha
   s) / (alpha + r), and log|det| = (D - 1) log q + log n / (alpha + r)^2 with n = r^2 +
   2 alpha r + alpha^2 s. The distance R of z solves R (alpha + r) = r (r + alpha s),
   a quadratic, so that the inverse is closed. */
#include "bijections/bijection.h"

#include "bijections/positive.h"

static const flo_setting rows[] = {{.name = NULL}};
static const flo_settings settings = {
    "radial", "stretches or shrinks space around one learned point", rows};

/* The layer's parameters. */
typedef struct ball {
    const flo_real *centre; /* x0 [D] */
    double alpha, s;
} ball;

/* Parameters: centre [D], raw_alpha, raw_beta. */
static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    int64_t ignored;
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, NULL));
    FLO_TRY(flo_layout_add(&self->parameters, self->features, 0, false, &ignored,
                           "centre"));
    FLO_TRY(flo_layout_add(&self->parameters, 1, 0, false, &ignored, "raw_alpha"));
    return flo_layout_add(&self->parameters, 1, 0, false, &ignored, "raw_beta");
}

static void init(const flo_bijection *self, flo_random_key key, flo_real *theta)
{
    flo_bijection_init_zero(self, key, theta);
    flo_random_normal(key, 0, self->features, theta);
}

static ball ball_of(int64_t D, const flo_real *theta)
{
    return (ball){theta, (double)flo_positive(theta[D]),
                  (double)flo_positive(theta[D + 1])};
}

static double distance(int64_t D, const flo_real *a, const flo_real *b)
{
    double squares = 0;
    for (int64_t j = 0; j < D; j++) {
        const double d = (double)a[j] - (double)b[j];
        squares += d * d;
    }
    return sqrt(squares);
}

/* n, see above. */
static double numerator(const ball *b, double r)
{
    return r * (r + 2 * b->alpha) + b->alpha * b->alpha * b->s;
}

static double log_determinant(int64_t D, const ball *b, double r)
{
    const double to = r + b->alpha * b->s, from = r + b->alpha;
    return (double)(D - 1) * log(to / from) + log(numerator(b, r) / (from * from));
}

/* to = centre + factor (from - centre), [D]. */
static void scale_row(int64_t D, const flo_real *centre, double factor,
                      const flo_real *from, flo_real *to)
{
    for (int64_t j = 0; j < D; j++) {
        const double c = (double)centre[j];
        to[j] = (flo_real)(c + factor * ((double)from[j] - c));
    }
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    const int64_t D = self->features;
    const ball b = ball_of(D, theta);
    for (int64_t i = 0; i < pass->rows; i++) {
        const double r = distance(D, x + i * D, b.centre);
        scale_row(D, b.centre, (r + b.alpha * b.s) / (r + b.alpha), x + i * D,
                  z + i * D);
        logdet[i] += log_determinant(D, &b, r);
    }
}

/* The root r >= 0 of r^2 + (alpha s - R) r - alpha R = 0. What cancels where R is small
   is lost in r + alpha and r + alpha s, which is all that asks for r. */
static double solve(const ball *b, double R)
{
    const double p = R - b->alpha * b->s;
    return (p + sqrt(p * p + 4 * b->alpha * R)) / 2;
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    const int64_t D = self->features;
    const ball b = ball_of(D, theta);
    for (int64_t i = 0; i < pass->rows; i++) {
        const double r = solve(&b, distance(D, z + i * D, b.centre));
        scale_row(D, b.centre, (r + b.alpha) / (r + b.alpha * b.s), z + i * D,
                  x + i * D);
        logdet[i] -= log_determinant(D, &b, r);
    }
}

/* Of a row at distance r: derivatives by r, alpha and s of q and of the log-determinant
   L = (D - 1) (log t - log f) + log n - 2 log f, t = r + alpha s, f = r + alpha. */
typedef struct slopes {
    double q, q_r, q_alpha, q_s, L_r, L_alpha, L_s;
} slopes;

static slopes slopes_at(int64_t D, const ball *b, double r)
{
    const double t = r + b->alpha * b->s, f = r + b->alpha, n = numerator(b, r);
    const double others = (double)(D - 1), m = b->s - 1;
    return (slopes){.q = t / f,
                    .q_r = -b->alpha * m / (f * f),
                    .q_alpha = r * m / (f * f),
                    .q_s = b->alpha / f,
                    .L_r = others * (1 / t - 1 / f) + 2 * f / n - 2 / f,
                    .L_alpha = others * (b->s / t - 1 / f) + 2 * t / n - 2 / f,
                    .L_s = others * b->alpha / t + b->alpha * b->alpha / n};
}

/* With v = x - x0, z = x0 + q v:  dr = q_r dz . v + L_r dlogdet,
   dx = q dz + dr v / r,  dx0 = dz - dx. At r = 0 the middle term has no direction. */
static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)dcontext;
    const int64_t D = self->features;
    const ball b = ball_of(D, theta);
    double dalpha = 0, ds = 0;
    for (int64_t i = 0; i < pass->rows; i++) {
        const flo_real *const from = x + i * D, *const d = dz + i * D;
        const double r = distance(D, from, b.centre);
        const slopes k = slopes_at(D, &b, r);
        double along = 0; /* dz . v */
        for (int64_t j = 0; j < D; j++)
            along += (double)d[j] * ((double)from[j] - (double)b.centre[j]);
        const double dr = k.q_r * along + k.L_r * dlogdet[i];
        const double radial = r > 0 ? dr / r : 0;
        for (int64_t j = 0; j < D; j++) {
            const double v = (double)from[j] - (double)b.centre[j];
            const double one = k.q * (double)d[j] + radial * v;
            dx[i * D + j] = (flo_real)one;
            dtheta[j] += (flo_real)((double)d[j] - one);
        }
        dalpha += k.q_alpha * along + k.L_alpha * dlogdet[i];
        ds += k.q_s * along + k.L_s * dlogdet[i];
    }
    dtheta[D] += (flo_real)(dalpha * (double)flo_positive_slope(theta[D]));
    dtheta[D + 1] += (flo_real)(ds * (double)flo_positive_slope(theta[D + 1]));
}

const flo_bijection_kind flo_radial = {
    .name = "radial",
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
