/* Independent Student t columns with learned location, scale and degrees of freedom,
   for data with heavy tails (Jaini et al. 2020, Tails of Lipschitz triangular flows,
   arXiv 1907.04481; Laszkiewicz et al. 2022, Marginal tail-adaptive flows, arXiv
   2206.10311).

   u = (z - m) exp(-s),  log p = h(nu / 2) - log(2 pi) / 2 - s - (nu + 1) / 2 log(1 +
   u^2 / nu),  h of gamma_ratio.h;  s = a / (1 + |a| / limit),  nu = least +
   softplus(b). */
#include "densities/conditional.h"

#include "core/soft_clamp.h"
#include "densities/gamma_ratio.h"

#include <string.h>

typedef struct student {
    flo_conditional_settings settings;
    double start, least, scale_limit;
    flo_conditional numbers; /* m [D], a [D], b [D] */
} student;

static const flo_setting rows[] = {
    {.name = "degrees_of_freedom",
     .type = FLO_NUMBER,
     .offset = offsetof(student, start),
     .low = 0.51,
     .high = 10000,
     .fallback = "10",
     .help = "degrees of freedom of every column at the start; they are learned"},
    {.name = "least_degrees",
     .type = FLO_NUMBER,
     .offset = offsetof(student, least),
     .low = 0.5,
     .high = 1000,
     .fallback = "1",
     .help = "lower bound of the degrees of freedom, below the start; above 1 a mean "
             "exists, above 2 a variance"},
    {.name = "scale_limit",
     .type = FLO_NUMBER,
     .offset = offsetof(student, scale_limit),
     .low = 0.01,
     .high = 20,
     .fallback = "7",
     .help = "soft bound on the log-scale of a column"},
    FLO_CONDITIONAL_ROWS(student, settings),
    {.name = NULL}};
static const flo_settings settings = {"student_t",
                                      "independent Student t columns with learned "
                                      "location, scale and degrees of freedom, "
                                      "moved by context columns",
                                      rows};

/* Work: what depends on the degrees of freedom alone [D]. A sample takes two uniforms a
   column. */
static flo_status configure(flo_density *self, flo_arena *arena, flo_node *node)
{
    student *s;
    const int64_t D = self->features;
    FLO_TRY(flo_density_needs_features(self, arena, node));
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    if (!(s->least < s->start))
        return flo_settings_fail(arena, flo_node_find(node, "least_degrees"),
                                 "a number below degrees_of_freedom: %g", s->start);
    const char *const name[] = {"location", "log_scale", "degrees"};
    for (int k = 0; k < 3; k++) {
        int64_t ignored;
        FLO_TRY(
            flo_layout_add(&self->parameters, D, 0, false, &ignored, "%s", name[k]));
    }
    self->uniforms = 2 * D;
    self->state = s;
    return flo_conditional_configure(&s->numbers, arena, node, &s->settings, D, self);
}

/* softplus(b) = y where b = y + log(1 - exp(-y)). */
static void init(const flo_density *self, flo_random_key key, flo_real *theta)
{
    const student *const s = self->state;
    const int64_t D = self->features;
    const double y = s->start - s->least;
    memset(theta, 0, (size_t)(2 * D) * sizeof *theta);
    for (int64_t j = 0; j < D; j++)
        theta[2 * D + j] = (flo_real)(y + log(-expm1(-y)));
    flo_conditional_init(&s->numbers, key, theta);
}

static double degrees(const student *s, flo_real b)
{
    return s->least + (double)flo_softplus(b);
}

/* f(nu / 2) of every set of numbers and column into the work. */
static void fill_work(const student *s, int64_t D, const flo_numbers *n,
                      double f(double x))
{
    for (int64_t r = 0; r < n->sets; r++)
        for (int64_t j = 0; j < D; j++) {
            const flo_real b = n->value[r * 3 * D + 2 * D + j];
            n->work[r * D + j] = (flo_real)f(0.5 * degrees(s, b));
        }
}

static void log_prob(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob)
{
    const student *const s = self->state;
    const int64_t D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_numbers n = flo_conditional_forward(&s->numbers, theta, pass);
    fill_work(s, D, &n, flo_gamma_ratio);
    for (int64_t i = 0; i < pass->rows; i++) {
        const flo_real *const m = n.value + i * n.each * 3 * D, *const a = m + D,
                              *const b = a + D;
        const flo_real *const h = n.work + i * n.each * D;
        double sum = 0;
        for (int64_t j = 0; j < D; j++) {
            const flo_real log_scale = flo_soft_clamp(a[j], inverse_limit);
            const double u =
                ((double)z[i * D + j] - (double)m[j]) * (double)flo_exp(-log_scale);
            const double nu = degrees(s, b[j]);
            sum +=
                (double)h[j] - (double)log_scale - 0.5 * (nu + 1) * log1p(u * u / nu);
        }
        log_prob[i] += sum - (double)D * FLO_HALF_LOG_TWO_PI;
    }
}

/* With w = u^2 / nu and q = (nu + 1) / nu u / (1 + w):  du = -q,  ds = u q - 1,
   dnu = (h'(nu / 2) - log(1 + w) + q u / nu) / 2. */
static void backward(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta)
{
    const student *const s = self->state;
    const int64_t D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_numbers n = flo_conditional_kept(&s->numbers, theta, pass);
    fill_work(s, D, &n, flo_gamma_ratio_slope);
    flo_real *const dnumbers = flo_conditional_gradient(&s->numbers, pass, dtheta);
    for (int64_t i = 0; i < pass->rows; i++) {
        const int64_t at = i * n.each * 3 * D;
        const flo_real *const m = n.value + at, *const a = m + D, *const b = a + D;
        const flo_real *const slope = n.work + i * n.each * D;
        flo_real *const dm = dnumbers + at, *const da = dm + D, *const db = da + D;
        for (int64_t j = 0; j < D; j++) {
            const double inverse =
                (double)flo_exp(-flo_soft_clamp(a[j], inverse_limit));
            const double u = ((double)z[i * D + j] - (double)m[j]) * inverse;
            const double nu = degrees(s, b[j]), w = u * u / nu, g = dlog_prob[i];
            const double q = (nu + 1) / nu * u / (1 + w);
            const double dnu = 0.5 * ((double)slope[j] - log1p(w) + q * u / nu);
            dz[i * D + j] = (flo_real)(-g * q * inverse);
            dm[j] += (flo_real)(g * q * inverse);
            da[j] +=
                (flo_real)(g * (u * q - 1)) * flo_soft_clamp_slope(a[j], inverse_limit);
            db[j] += (flo_real)(g * dnu) * flo_sigmoid(b[j]);
        }
    }
    flo_conditional_backward(&s->numbers, theta, pass, dcontext, dtheta);
}

/* Of two uniforms, t = sqrt(nu (u^(-2 / nu) - 1)) cos(2 pi v) is exactly Student's,
   without a rejection (Bailey 1994, Math. Comp. 62, 779). nu of 1/2 and more keeps it
   finite. */
static flo_real draw(double nu, flo_real u, flo_real v)
{
    flo_real sine, cosine;
    flo_sincos_turns(v, &sine, &cosine);
    return (flo_real)sqrt(nu * expm1(-2 / nu * log((double)u))) * cosine;
}

static void sample(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z)
{
    (void)normals;
    const student *const s = self->state;
    const int64_t D = self->features;
    const flo_real inverse_limit = (flo_real)(1 / s->scale_limit);
    const flo_numbers n = flo_conditional_forward(&s->numbers, theta, pass);
    for (int64_t i = 0; i < pass->rows; i++) {
        const flo_real *const m = n.value + i * n.each * 3 * D, *const a = m + D,
                              *const b = a + D;
        const flo_real *const u = uniforms + i * 2 * D;
        for (int64_t j = 0; j < D; j++)
            z[i * D + j] = m[j] + (flo_real)temperature *
                                      flo_exp(flo_soft_clamp(a[j], inverse_limit)) *
                                      draw(degrees(s, b[j]), u[2 * j], u[2 * j + 1]);
    }
}

const flo_density_kind flo_student_t = {
    .name = "student_t",
    .settings = &settings,
    .configure = configure,
    .init = init,
    .log_prob = log_prob,
    .backward = backward,
    .sample = sample,
};
