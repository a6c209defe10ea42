/* What every kind of density must do, run over the registry: each row of the table
   below, each number of columns, with context and without.

   A new kind adds one row to `variants` and inherits all of it. */
#include "densities/rig.h"

#include <stdio.h>

/* Settings in YAML without the kind, ending in NULL. */
static const char *const none[] = {"", NULL};
static const char *const scaled[] = {"", "scale_limit: 0.5", "scale_limit: 20", NULL};
static const char *const students[] = {
    "", "degrees_of_freedom: 3, least_degrees: 2, scale_limit: 2",
    "degrees_of_freedom: 200, least_degrees: 100", NULL};
static const char *const mixtures[] = {"components: 3", "components: 1",
                                       "components: 11, scale_limit: 20, spread: 2",
                                       NULL};
static const char *const boxes[] = {"", "low: -1.5, high: 0.25", NULL};
static const char *const autoregressives[] = {
    "components: 3, hidden: [8]", "components: 1, hidden: [7, 9], activation: tanh",
    "width: 8, blocks: 1, components: 4, scale_limit: 20, dropout: 0.3", NULL};
static const char *const correlated[] = {"",
                                         "mean: 0.5, deviation: 0.7, correlation: 0.8",
                                         "mean: -1, deviation: 1.5, correlation: -0.6",
                                         "correlation: 0.3, log_evidence: 1.25", NULL};

/* What a kind does not promise. */
enum {
    BOUNDED = 1, /* log p is -infinity outside of [low, high], and has no score */
    CHAINED = 2  /* the temperature of a column acts on those behind it */
};

static const struct variant {
    const char *kind;
    const char *const *settings;
    unsigned flags;
    bool starts_as_normal; /* to 0.01 nats a column */
} variants[] = {
    {"normal", none, 0, true},
    {"diagonal_normal", scaled, 0, true},
    {"student_t", students, 0, false},
    {"mixture", mixtures, 0, false},
    {"autoregressive_mixture", autoregressives, CHAINED, true},
    {"uniform", boxes, BOUNDED, false},
    {"correlated_normal", correlated, 0, false},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static const int64_t features[] = {1, 2, 5};
static const int64_t contexts[] = {0, 2};

/* With context columns, networks of them: hidden layers or a linear map. */
static const char *const networks[] = {"", ", hidden: [6], activation: tanh"};

static bool is_conditional(const char *kind)
{
    return strcmp(kind, "diagonal_normal") == 0 || strcmp(kind, "student_t") == 0 ||
           strcmp(kind, "mixture") == 0;
}

/* One of the cases. */
typedef struct situation {
    const struct variant *variant;
    const char *yaml;
    int64_t D, C;
    const char *name; /* for messages */
} situation;

static bool has(const situation *s, unsigned flag)
{
    return (s->variant->flags & flag) != 0;
}

/* The interval of the box that the settings give. */
static double box_end(const situation *s, bool high)
{
    const bool wide = strstr(s->yaml, "low: -1.5") != NULL;
    return wide ? (high ? 0.25 : -1.5) : (high ? 1 : 0);
}

/* Rows that the density has: inside its box. */
static void situation_rig(fixture *f, const situation *s, int64_t B, rig *r)
{
    rig_create(f, s->yaml, B, s->D, s->C, r);
    const double low = box_end(s, false), high = box_end(s, true);
    for (int64_t i = 0; has(s, BOUNDED) && i < B * s->D; i++)
        r->z[i] = (flo_real)(low + (high - low) / (1 + exp((double)r->z[i])));
}

typedef void situation_check(fixture *f, const situation *s);

static void run_situation(situation_check *check, const struct variant *v,
                          const char *settings, const char *network, int64_t D,
                          int64_t C)
{
    char yaml[256], name[320];
    snprintf(yaml, sizeof yaml, "{kind: %s%s%s%s}", v->kind, *settings ? ", " : "",
             settings, network);
    snprintf(name, sizeof name, "%s, D = %lld, C = %lld", yaml, (long long)D,
             (long long)C);
    const situation s = {v, yaml, D, C, name};
    void *state;
    assert_int_equal(fixture_setup(&state), 0);
    check(state, &s);
    assert_int_equal(fixture_teardown(&state), 0);
}

/* Calls check for every case of at most D columns, each in an arena of its own. */
static void for_every_situation(situation_check *check, int64_t most)
{
    for (int64_t i = 0; i < VARIANTS * 6; i++) {
        const struct variant *const v = &variants[i / 6];
        const int64_t D = features[i / 2 % 3], C = contexts[i % 2];
        for (int64_t k = 0; D <= most && v->settings[k]; k++)
            for (int n = 0; n < (C && is_conditional(v->kind) ? 2 : 1); n++)
                run_situation(check, v, v->settings[k], networks[n], D, C);
    }
}

static void every_kind_has_a_row_in_the_table(void **state)
{
    (void)state;
    for (const flo_density_kind *const *kind = flo_density_kinds; *kind; kind++) {
        bool found = false;
        for (int v = 0; v < VARIANTS; v++)
            found |= strcmp(variants[v].kind, (*kind)->name) == 0;
        if (!found)
            fail_msg("density kind `%s` has no row in the table `variants` of "
                     "tests/densities/test_conformance.c: add one, with all of its "
                     "settings",
                     (*kind)->name);
        assert_string_equal((*kind)->settings->name, (*kind)->name);
        assert_true((*kind)->configure && (*kind)->init && (*kind)->log_prob &&
                    (*kind)->backward && (*kind)->sample);
    }
}

/* B rows, or samples, of one context row. `factor` enlarges the parameters: components
   then stand apart, and columns depend on each other more. */
static void same_context_rig(fixture *f, const situation *s, int64_t B, double factor,
                             rig *r)
{
    situation_rig(f, s, B, r);
    r->pass.training = false;
    for (int64_t i = 0; i < r->P; i++)
        r->theta[i] *= (flo_real)factor;
    for (int64_t i = 0; i < B * s->C; i++)
        r->context[i] = r->context[i % s->C];
}

/* One axis of a grid: z = sinh(t) reaches far into heavy tails, where sums at equal
   steps of t converge as fast as the tail falls; a box is cut into equal parts. */
typedef struct axis {
    int64_t points;
    double z[400], weight[400]; /* the second is dz */
} axis;

static axis make_axis(const situation *s, int64_t points)
{
    axis a = {.points = points};
    const double end = 10, low = box_end(s, false), high = box_end(s, true);
    for (int64_t i = 0; i < points; i++) {
        const double middle = ((double)i + 0.5) / (double)points;
        const double t = end * (2 * middle - 1);
        const double part = (high - low) / (double)points;
        a.z[i] = has(s, BOUNDED) ? low + (high - low) * middle : sinh(t);
        a.weight[i] = has(s, BOUNDED) ? part : cosh(t) * 2 * end / (double)points;
    }
    return a;
}

/* In two columns the second varies within a batch, the first between batches. */
static void check_integral(fixture *f, const situation *s)
{
    rig r;
    const int64_t points = s->D == 1 ? 400 : 300;
    const axis a = make_axis(s, points);
    same_context_rig(f, s, points, 1, &r);
    double sum = 0;
    for (int64_t k = 0; k < (s->D == 1 ? 1 : points); k++) {
        for (int64_t i = 0; i < points; i++) {
            r.z[i * s->D] = (flo_real)a.z[k];
            r.z[(i + 1) * s->D - 1] = (flo_real)a.z[i];
        }
        rig_log_prob(&r);
        for (int64_t i = 0; i < points; i++)
            sum += exp(r.log_prob[i]) * a.weight[i] * (s->D == 1 ? 1 : a.weight[k]);
    }
    if (!is_near(log(sum), r.d->log_evidence, 1e-4))
        fail_msg("%s: integrates to exp(%.6g), wanted exp(%.6g)", s->name, log(sum),
                 r.d->log_evidence);
}

static void check_gradient(fixture *f, const situation *s)
{
    rig r;
    situation_rig(f, s, 4, &r);
    rig_zero_gradients(&r);
    rig_log_prob(&r);
    rig_backward(&r);
    rig_check_guards(s->name, &r);
    char what[400];
    snprintf(what, sizeof what, "%s: dz", s->name);
    assert_gradient(what, r.B * r.D, r.dz, r.z, rig_loss, &r);
    snprintf(what, sizeof what, "%s: dcontext", s->name);
    assert_gradient(what, r.B * r.C, r.dcontext, r.context, rig_loss, &r);
    assert_parameter_gradients(s->name, &r.d->parameters, r.dtheta, r.theta, rig_loss,
                               &r);
}

/* log_prob adds to log_prob, backward to dtheta and dcontext; dz is overwritten. */
static void check_what_is_added(fixture *f, const situation *s)
{
    rig zero, two;
    situation_rig(f, s, 4, &zero);
    situation_rig(f, s, 4, &two);
    rig_zero_gradients(&zero);
    fill_reals(two.P, 2, two.dtheta);
    fill_reals(two.B * two.C, 2, two.dcontext);
    for (int64_t i = 0; i < two.B; i++)
        two.log_prob[i] = 2;
    rig_log_prob(&zero);
    rig_backward(&zero);
    two.d->kind->log_prob(two.d, two.theta, &two.pass, two.z, two.log_prob);
    rig_backward(&two);
    assert_same_bits(s->name, (size_t)(two.B * two.D) * sizeof *two.dz, two.dz,
                     zero.dz);
    for (int64_t i = 0; i < two.B; i++)
        assert_near(two.log_prob[i], 2 + zero.log_prob[i], near_enough);
    for (int64_t i = 0; i < two.d->parameters.count; i++) {
        const flo_tensor *const t = &two.d->parameters.tensors[i];
        int64_t *index;
        const int64_t count = tensor_entries(t, true, &index);
        for (int64_t k = 0; k < count; k++)
            assert_near(two.dtheta[t->offset + index[k]],
                        2 + (double)zero.dtheta[t->offset + index[k]], near_enough);
        free(index);
    }
    for (int64_t i = 0; i < two.B * two.C; i++)
        assert_near(two.dcontext[i], 2 + (double)zero.dcontext[i], near_enough);
    make_fresh(&two.d->parameters, two.dtheta);
    two.pass.fresh = true;
    rig_backward(&two);
    assert_same_bits(s->name, (size_t)two.P * sizeof *two.dtheta, two.dtheta,
                     zero.dtheta);
}

/* What one row gives. */
typedef struct row_results {
    flo_real *dz, *dcontext, *sample;
    double log_prob;
} row_results;

static row_results results_of(rig *r, int64_t row)
{
    rig_zero_gradients(r);
    rig_log_prob(r);
    rig_backward(r);
    rig_sample(r, 0.9);
    return (row_results){r->dz + row * r->D, r->dcontext + row * r->C,
                         r->z + row * r->D, r->log_prob[row]};
}

/* Other rows, NaN among them, leave the bits of a row alone. */
static void check_other_rows_do_not_matter(fixture *f, const situation *s)
{
    enum { ROW = 4 };
    rig r, other;
    situation_rig(f, s, 7, &r);
    situation_rig(f, s, 7, &other);
    for (int64_t i = 0; i < 7 * r.D; i++)
        if (i / r.D != ROW)
            other.z[i] = i / r.D == 1 ? (flo_real)NAN : -2 * r.z[i];
    for (int64_t i = 0; i < 7 * r.C; i++)
        other.context[i] = r.context[i] + (i / r.C != ROW ? 1 : 0);
    for (int64_t i = 0; i < 7 * r.d->noise; i++)
        if (i / r.d->noise != ROW)
            other.noise[i] = 1 - other.noise[i];
    for (int64_t i = 0; i < 7 * r.d->normals; i++)
        if (i / r.d->normals != ROW)
            other.normals[i] = -other.normals[i];
    for (int64_t i = 0; i < 7 * r.d->uniforms; i++)
        if (i / r.d->uniforms != ROW)
            other.uniforms[i] = 1 - other.uniforms[i];
    for (int64_t i = 0; i < 7; i++)
        other.dlog_prob[i] += i != ROW ? 1 : 0;
    const row_results a = results_of(&r, ROW), b = results_of(&other, ROW);
    const size_t bytes = (size_t)r.D * sizeof(flo_real);
    assert_same_bits(s->name, bytes, b.dz, a.dz);
    assert_same_bits(s->name, bytes, b.sample, a.sample);
    assert_same_bits(s->name, (size_t)r.C * sizeof(flo_real), b.dcontext, a.dcontext);
    assert_same_bits(s->name, sizeof a.log_prob, &b.log_prob, &a.log_prob);
}

static void copy_row(rig *one, const rig *r, int64_t i)
{
    const flo_density *const d = r->d;
    memcpy(one->z, r->z + i * r->D, (size_t)r->D * sizeof *r->z);
    memcpy(one->context, r->context + i * r->C, (size_t)r->C * sizeof *r->z);
    memcpy(one->noise, r->noise + i * d->noise, (size_t)d->noise * sizeof *r->z);
    memcpy(one->normals, r->normals + i * d->normals,
           (size_t)d->normals * sizeof *r->z);
    memcpy(one->uniforms, r->uniforms + i * d->uniforms,
           (size_t)d->uniforms * sizeof *r->z);
    one->dlog_prob[0] = r->dlog_prob[i];
}

/* A row alone gives what it gives among others, and so do the sums over rows. */
static void check_batch_sizes_agree(fixture *f, const situation *s)
{
    rig r, one;
    situation_rig(f, s, 7, &r);
    situation_rig(f, s, 1, &one);
    flo_real *const z = layer_reals(f, 7 * r.D), *const dtheta = layer_reals(f, r.P);
    memcpy(z, r.z, (size_t)(7 * r.D) * sizeof *z);
    fill_reals(r.P, 0, dtheta);
    for (int64_t i = 0; i < 7; i++) {
        memcpy(r.z, z, (size_t)(7 * r.D) * sizeof *z);
        copy_row(&one, &r, i);
        const row_results a = results_of(&r, i), b = results_of(&one, 0);
        assert_near(b.log_prob, a.log_prob, near_enough);
        assert_all_near(s->name, r.D, b.dz, a.dz, near_enough);
        assert_all_near(s->name, r.D, b.sample, a.sample, near_enough);
        assert_all_near(s->name, r.C, b.dcontext, a.dcontext, near_enough);
        for (int64_t k = 0; k < r.P; k++)
            dtheta[k] += one.dtheta[k];
    }
    assert_all_near(s->name, r.P, r.dtheta, dtheta, 10 * near_enough);
}

static void check_start(fixture *f, const situation *s)
{
    rig r;
    situation_rig(f, s, 200, &r);
    flo_real *const again = layer_reals(f, r.P);
    fill_reals(r.P, (double)NAN, r.theta);
    rig_start(&r);
    memcpy(again, r.theta, (size_t)r.P * sizeof *again);
    fill_reals(r.P, (double)NAN, r.theta);
    rig_start(&r);
    assert_all_finite(s->name, r.P, r.theta);
    assert_same_bits(s->name, (size_t)r.P * sizeof *again, again, r.theta);
    assert_true(isnan(r.theta[r.P]));
    rig_log_prob(&r);
    double *const first = layer_doubles(f, r.B), difference = 0;
    memcpy(first, r.log_prob, (size_t)r.B * sizeof *first);
    for (int64_t i = 0; i < r.B * r.C; i++)
        r.context[i] = -3 * r.context[i] + 1;
    rig_log_prob(&r); /* the context has no say yet */
    assert_same_bits(s->name, (size_t)r.B * sizeof *first, first, r.log_prob);
    for (int64_t i = 0; i < r.B; i++) {
        double normal = -0.5 * (double)r.D * log(2 * acos(-1));
        for (int64_t j = 0; j < r.D; j++)
            normal -= 0.5 * (double)r.z[i * r.D + j] * (double)r.z[i * r.D + j];
        difference += (normal - r.log_prob[i]) / (double)r.B;
    }
    if (s->variant->starts_as_normal && !(fabs(difference) < 0.01 * (double)r.D))
        fail_msg("%s: starts %g nats from the standard normal", s->name, difference);
}

/* Rows up to a million away, and rows that are all equal. */
static void check_extremes(fixture *f, const situation *s)
{
    rig r;
    situation_rig(f, s, 6, &r);
    const double size[6] = {1e6, -1e6, 1e3, 0, 1, 1};
    for (int64_t i = 0; i < 6 * r.D; i++) {
        const int64_t row = i / r.D;
        r.z[i] = row < 2 ? (flo_real)size[row] : (flo_real)size[row] * r.z[i % r.D];
    }
    rig_zero_gradients(&r);
    rig_log_prob(&r);
    rig_backward(&r);
    assert_all_finite(s->name, 6 * r.D, r.dz);
    assert_all_finite(s->name, r.P, r.dtheta);
    assert_all_finite(s->name, 6 * r.C, r.dcontext);
    for (int64_t i = 0; i < 6; i++)
        if (has(s, BOUNDED) && i < 2)
            assert_true(r.log_prob[i] < 0 && isinf(r.log_prob[i]));
        else if (!has(s, BOUNDED) && !isfinite(r.log_prob[i]))
            fail_msg("%s: log p of row %lld is %g", s->name, (long long)i,
                     r.log_prob[i]);
}

/* The rarest random numbers that there are. */
static void check_extreme_samples(fixture *f, const situation *s)
{
    rig r;
    situation_rig(f, s, 4, &r);
    const double least = sizeof(flo_real) == 8 ? 0x1p-54 : 0x1p-25;
    const double most = sizeof(flo_real) == 8 ? 1 - 0x1p-53 : 1 - 0x1p-24;
    for (int64_t i = 0; i < 4 * r.d->uniforms; i++)
        r.uniforms[i] = (flo_real)((i + i / r.d->uniforms) % 2 ? least : most);
    for (int64_t i = 0; i < 4 * r.d->normals; i++)
        r.normals[i] = (flo_real)(i % 2 ? 9 : -9);
    for (int k = 0; k < 3; k++) {
        rig_sample(&r, k);
        assert_all_finite(s->name, 4 * r.D, r.z);
        rig_log_prob(&r);
        for (int64_t i = 0; i < 4; i++)
            assert_true(isfinite(r.log_prob[i]));
    }
    rig_check_guards(s->name, &r);
}

/* A row with one NaN has log p NaN. */
static void check_nan_shows(fixture *f, const situation *s)
{
    rig r;
    situation_rig(f, s, s->D, &r);
    for (int64_t i = 0; i < r.B; i++) {
        r.z[i * r.D] += 1e6f; /* outside of a box, too */
        r.z[i * r.D + i] = (flo_real)NAN;
    }
    rig_log_prob(&r);
    for (int64_t i = 0; i < r.B; i++)
        if (!isnan(r.log_prob[i]))
            fail_msg("%s: a NaN in column %lld is lost", s->name, (long long)i);
}

enum { SAMPLES = 20000 };

static int compare_reals(const void *a, const void *b)
{
    flo_real x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: the samples of one column against the integral of exp(log p)
   up to each point of a grid. Beyond 1.95 / sqrt(n) once in a thousand seeds. */
static void check_distribution(fixture *f, const situation *s)
{
    if (s->D != 1)
        return;
    rig r, grid;
    same_context_rig(f, s, SAMPLES, 1, &r);
    rig_sample(&r, 1);
    qsort(r.z, SAMPLES, sizeof *r.z, compare_reals);
    const axis a = make_axis(s, 400);
    same_context_rig(f, s, a.points, 1, &grid);
    for (int64_t i = 0; i < a.points; i++)
        grid.z[i] = (flo_real)a.z[i];
    rig_log_prob(&grid);
    double below = 0, worst = 0;
    int64_t k = 0;
    for (int64_t i = 0; i < a.points; i++) {
        const double mass = exp(grid.log_prob[i] - grid.d->log_evidence) * a.weight[i];
        while (k < SAMPLES && (double)r.z[k] <= a.z[i])
            k++;
        worst = fmax(worst, fabs(below + 0.5 * mass - (double)k / SAMPLES));
        below += mass;
    }
    if (!(worst < 1.95 / sqrt(SAMPLES)))
        fail_msg("%s: the distribution of samples is off by %g", s->name, worst);
}

enum { PARTS = 200, PART = SAMPLES / PARTS };

/* The mean over a part's rows of what should be 0 on average, into found [P + D D]. */
static void part_means(const situation *s, rig *part, double *found)
{
    const int64_t D = s->D;
    rig_zero_gradients(part);
    rig_log_prob(part);
    rig_backward(part);
    for (int64_t i = 0; i < PART; i++)
        assert_true(isfinite(part->log_prob[i]));
    for (int64_t k = 0; k < part->P; k++)
        found[k] = (double)part->dtheta[k] / PART;
    for (int64_t ij = 0; ij < D * D && !has(s, BOUNDED); ij++) {
        double sum = 0;
        for (int64_t r = 0; r < PART; r++) {
            const double t = tanh((double)part->z[r * D + ij / D]);
            sum += t * (double)part->dz[r * D + ij % D];
            sum += ij / D == ij % D ? 1 - t * t : 0;
        }
        found[part->P + ij] = sum / PART;
    }
}

/* Samples come from the density that log_prob gives, in all columns at once: of the
   scores, E[dlog p / dtheta] = 0 and, by parts, E[t_i dlog p / dz_j] = -(i == j) E[1 -
   t_i^2] with t = tanh(z), which heavy tails do not shake. A mean counts as 0 within 5
   of its standard errors, which come from the spread between parts. */
static void check_scores(fixture *f, const situation *s)
{
    rig all, part;
    same_context_rig(f, s, SAMPLES, 2, &all);
    rig_sample(&all, 1);
    same_context_rig(f, s, PART, 2, &part);
    const int64_t n = part.P + s->D * s->D;
    double *const found = layer_doubles(f, n), *const sum = layer_doubles(f, n),
                  *const squares = layer_doubles(f, n);
    for (int64_t i = 0; i < PART; i++)
        part.dlog_prob[i] = 1;
    for (int64_t p = 0; p < PARTS; p++) {
        memcpy(part.z, all.z + p * PART * s->D, (size_t)(PART * s->D) * sizeof *part.z);
        part_means(s, &part, found);
        for (int64_t k = 0; k < n; k++) {
            sum[k] += found[k] / PARTS;
            squares[k] += found[k] * found[k] / PARTS;
        }
    }
    for (int64_t k = 0; k < n; k++) {
        const double error = sqrt(fmax(squares[k] - sum[k] * sum[k], 0) / (PARTS - 1));
        if (!(fabs(sum[k]) <= 5 * error + 1e-4))
            fail_msg("%s: the mean of %s %lld is %g, wanted 0 to %g", s->name,
                     k < part.P ? "the score of parameter"
                                : "tanh(z_i) dz_j, i D + j =",
                     (long long)(k < part.P ? k : k - part.P), sum[k], error);
    }
}

/* With the same random numbers z(T) = z(0) + T (z(1) - z(0)): the temperature scales
   the spread. A box is left as it is above 1. */
static void check_temperature(fixture *f, const situation *s)
{
    rig cold, half, whole, hot;
    rig *const all[] = {&cold, &half, &whole, &hot};
    const double temperature[] = {0, 0.5, 1, 2};
    for (int k = 0; k < 4; k++) {
        situation_rig(f, s, 50, all[k]);
        rig_sample(all[k], temperature[k]);
        assert_all_finite(s->name, 50 * s->D, all[k]->z);
    }
    for (int64_t i = 0; i < 50 * s->D; i++) {
        const double middle = (double)cold.z[i], way = (double)whole.z[i] - middle;
        if (has(s, CHAINED) && i % s->D)
            continue;
        assert_true(way != 0);
        assert_near(half.z[i], middle + 0.5 * way, near_enough);
        assert_near(hot.z[i], middle + (has(s, BOUNDED) ? 1 : 2) * way, near_enough);
    }
}

/* One test a law. */
#define LAW(name, check, most)                                                         \
    static void name(void **state)                                                     \
    {                                                                                  \
        (void)state;                                                                   \
        for_every_situation(check, most);                                              \
    }

LAW(it_integrates_to_its_evidence, check_integral, 2)
LAW(backward_is_the_gradient, check_gradient, 5)
LAW(what_is_added_and_what_overwritten, check_what_is_added, 5)
LAW(other_rows_do_not_matter, check_other_rows_do_not_matter, 5)
LAW(batch_sizes_agree, check_batch_sizes_agree, 5)
LAW(a_density_starts_as_promised, check_start, 5)
LAW(extreme_rows_stay_finite, check_extremes, 5)
LAW(extreme_samples_stay_finite, check_extreme_samples, 5)
LAW(nan_shows, check_nan_shows, 5)
LAW(samples_have_the_distribution, check_distribution, 1)
LAW(samples_agree_with_the_scores, check_scores, 5)
LAW(temperature_scales_the_spread, check_temperature, 5)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_row_in_the_table),
        cmocka_unit_test(it_integrates_to_its_evidence),
        cmocka_unit_test(backward_is_the_gradient),
        cmocka_unit_test(what_is_added_and_what_overwritten),
        cmocka_unit_test(other_rows_do_not_matter),
        cmocka_unit_test(batch_sizes_agree),
        cmocka_unit_test(a_density_starts_as_promised),
        cmocka_unit_test(extreme_rows_stay_finite),
        cmocka_unit_test(extreme_samples_stay_finite),
        cmocka_unit_test(nan_shows),
        cmocka_unit_test(samples_have_the_distribution),
        cmocka_unit_test(samples_agree_with_the_scores),
        cmocka_unit_test(temperature_scales_the_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
