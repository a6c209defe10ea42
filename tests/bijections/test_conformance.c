/* What every kind of bijection must do, run over the registry: each row of the table
   below, each number of columns, with context and without.

   A new kind adds one row to `variants` and inherits all of it. */
#include "bijections/registry.h"

#include "bijections/layer.h"

#include <stdio.h>

/* Settings in flow YAML without the kind, ending in NULL. */
static const char *const none[] = {"", NULL};
static const char *const orders[] = {"order: reverse", "order: random", NULL};
static const char *const conditioned[] = {
    "mask: alternating, hidden: [12], activation: tanh",
    "mask: half, hidden: [9, 7], activation: silu, dropout: 0.3",
    "mask: random, hidden: [10, 6, 5], activation: relu",
    "mask: alternating, hidden: 8, activation: relu, dropout: 0.5",
    "mask: half, width: 8, blocks: 2, activation: relu, dropout: 0.3",
    "mask: random, width: 7, blocks: 1, activation: tanh, dropout: 0.2",
    "mask: alternating, width: 6, blocks: 2, activation: silu",
    "mask: random, width: 6, blocks: 0, activation: relu",
    "mask: random, hidden: [6], activation: tanh, period: 4",
    NULL};
static const char *const clamped[] = {"hidden: 8, scale_limit: 0.1",
                                      "width: 8, scale_limit: 20", NULL};

static const char *const splines[] = {"", "bins: 2, tail_bound: 1",
                                      "bins: 5, tail_bound: 3",
                                      "bins: 3, tail_bound: 1, tails: circular", NULL};
static const char *const spline_couplings[] = {
    "hidden: 8",
    "mask: half, width: 7, blocks: 1, bins: 4, tail_bound: 2",
    "mask: random, hidden: [6, 5], bins: 3, unconditional: true, dropout: 0.3",
    "width: 6, blocks: 1, unconditional: true, activation: silu",
    "width: 6, blocks: 1, bins: 3, period: 2, tail_bound: 1, tails: circular",
    NULL};

static const char *const slopes[] = {"", "slope: 0.5", "slope: 3", NULL};
static const char *const bounds[] = {"", "bound: 0.7", "bound: 6", NULL};
static const char *const alphas[] = {"", "alpha: 0", "alpha: 0.05", NULL};
static const char *const some[] = {"columns: 1", "columns: [0, 1]", "columns: [2, 0:1]",
                                   NULL};
static const char *const few[] = {"columns: [2, 0:1]", NULL};
static const char *const levels[] = {"", "levels: 256", "levels: 1000, low: -30",
                                     "low: -7", NULL};
static const char *const some_levels[] = {"columns: [1]", "levels: 7, columns: [2, 0]",
                                          NULL};
static const char *const boxes[] = {"",         "low: -1.5, high: 2.25", "margin: 3",
                                    "low: -20", "high: 1000, margin: 1", NULL};
static const char *const some_boxes[] = {"columns: 2", "low: -3, columns: [0:2]", NULL};
/* Wide enough for rows of a million: whole turns do not come back. */
static const char *const turns[] = {"period: 1e9, low: -5e8", NULL};
static const char *const some_turns[] = {"period: 1e9, low: -5e8, columns: [0, 2]",
                                         NULL};
static const char *const offsets[] = {"", "offset: 1", "offset: 1e-3", NULL};
static const char *const scales[] = {"", "scale: 0.01", "scale: 100", NULL};
static const char *const sylvesters[] = {"", "reflections: 1",
                                         "rank: 1, reflections: 3", NULL};
static const char *const ranks[] = {"rank: 2", "rank: 3, reflections: 5", NULL};
static const char *const even[] = {"", "reflections: 2", "reflections: 12", NULL};
static const char *const odd[] = {"reflections: 1", "reflections: 3", NULL};
static const char *const autoregressive[] = {
    "hidden: 12, activation: tanh",
    "hidden: [9, 7], activation: silu, dropout: 0.3",
    "hidden: [66, 5, 80], activation: relu",
    "width: 8, blocks: 2, activation: relu, dropout: 0.3",
    "width: 70, blocks: 1, activation: tanh, dropout: 0.2",
    "width: 6, blocks: 4, activation: silu",
    "width: 6, blocks: 0, activation: relu",
    NULL};
/* A column of the inverse amplifies the rounding errors of those before it by up to
   exp(scale_limit): rows of a million would not come back from more. */
static const char *const mildly_clamped[] = {"hidden: 8, scale_limit: 0.1",
                                             "width: 8, scale_limit: 5", NULL};
static const char *const spline_autoregressive[] = {
    "hidden: 8",
    "width: 7, blocks: 1, bins: 4, tail_bound: 2",
    "hidden: [6, 70], bins: 3, dropout: 0.3, activation: tanh",
    "width: 6, blocks: 1, bins: 2, activation: silu",
    "hidden: 9, bins: 3, tail_bound: 1, tails: circular",
    NULL};

/* Beside angles: these have circular tails of their own, other columns linear ones. */
static const char *const linear_splines[] = {"", "bins: 2, tail_bound: 1", NULL};
static const char *const linear_couplings[] = {
    "mask: half, hidden: 8", "mask: random, width: 6, blocks: 1, unconditional: true",
    "mask: alternating, hidden: [6, 5], bins: 3, unconditional: true, dropout: 0.3",
    NULL};
static const char *const linear_autoregressive[] = {
    "hidden: 8", "width: 7, blocks: 1, bins: 4, tail_bound: 2",
    "hidden: [6, 70], bins: 3, dropout: 0.3, activation: tanh", NULL};

/* A kind may have several rows. Rows of x are drawn in the domain of its kind. */
static const struct variant {
    const char *kind;
    const char *const *settings;
    int64_t least_features;
    bool starts_as_identity;
    bool takes_angles; /* some columns come as angles */
} variants[] = {
    {"standardize", none, 1, false, false},
    {"standardize", some, 3, false, false},
    {"whiten", none, 1, false, false},
    {"dequantize", levels, 1, false, false},
    {"dequantize", some_levels, 3, false, false},
    {"angle", turns, 1, false, false},
    {"angle", some_turns, 3, false, false},
    {"box", boxes, 1, false, false},
    {"box", some_boxes, 3, false, false},
    {"log", offsets, 1, false, false},
    {"log", some, 3, false, false},
    {"signed_log", scales, 1, false, false},
    {"signed_log", some, 3, false, false},
    {"elementwise_affine", none, 1, true, false},
    {"permutation", orders, 1, false, false},
    {"lu_linear", none, 1, true, false},
    {"additive_coupling", conditioned, 2, true, false},
    {"affine_coupling", conditioned, 2, true, false},
    {"affine_coupling", clamped, 2, true, false},
    {"elementwise_spline", splines, 1, true, false},
    {"spline_coupling", spline_couplings, 2, true, false},
    {"actnorm", none, 1, true, false},
    {"planar", none, 1, true, false},
    {"radial", none, 1, true, false},
    {"sylvester", sylvesters, 1, true, false},
    {"sylvester", ranks, 3, true, false},
    {"leaky_relu", slopes, 1, false, false},
    {"tanh", bounds, 1, false, false},
    {"sigmoid", none, 1, false, false},
    {"logit", alphas, 1, false, false},
    {"softplus", none, 1, false, false},
    {"inverse_softplus", none, 1, false, false},
    {"leaky_relu", few, 3, false, false},
    {"tanh", few, 3, false, false},
    {"sigmoid", few, 3, false, false},
    {"logit", few, 3, false, false},
    {"softplus", few, 3, false, false},
    {"inverse_softplus", few, 3, false, false},
    {"householder", even, 1, true, false},
    {"householder", odd, 1, false, false},
    {"affine_autoregressive", autoregressive, 1, true, false},
    {"affine_autoregressive", mildly_clamped, 1, true, false},
    {"spline_autoregressive", spline_autoregressive, 1, true, false},
    {"standardize", none, 3, false, true},
    {"elementwise_spline", linear_splines, 2, true, true},
    {"spline_coupling", linear_couplings, 2, true, true},
    {"spline_autoregressive", linear_autoregressive, 2, true, true},
    {"permutation", orders, 2, false, true},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static const int64_t features[] = {1, 2, 3, 8, 63};
static const int64_t contexts[] = {0, 2};

#ifdef FLOTILLA_DOUBLE
static const double inverse_near = 1e-10, logdet_near = 1e-7;
#else
static const double inverse_near = 1e-3, logdet_near = 2e-2;
#endif

/* One of the cases: its settings and where it stands. */
typedef struct situation {
    const struct variant *variant;
    const char *yaml;
    int64_t D, C, occurrence;
    const char *name; /* for messages */
} situation;

static void situation_layer(fixture *f, const situation *s, int64_t B, layer *l)
{
    static const bool angles[63] = {
        [1] = true,  [4] = true,  [7] = true,  [10] = true, [13] = true, [16] = true,
        [31] = true, [34] = true, [37] = true, [40] = true, [61] = true, [62] = true};
    const flo_place place = {.index = 3,
                             .occurrence = s->occurrence,
                             .seed = 11,
                             .angles = s->variant->takes_angles ? angles : NULL};
    layer_create(f, s->yaml, place, B, s->D, s->C, l);
}

/* Calls check for every case, each in an arena of its own. */
static void for_every_situation(void check(fixture *f, const situation *s))
{
    for (int64_t i = 0; i < VARIANTS * 20; i++) {
        const struct variant *const v = &variants[i / 20];
        const int64_t D = features[i / 4 % 5], C = contexts[i / 2 % 2];
        for (int64_t k = 0; D >= v->least_features && v->settings[k]; k++) {
            char yaml[256], name[320];
            snprintf(yaml, sizeof yaml, "{kind: %s%s%s}", v->kind,
                     *v->settings[k] ? ", " : "", v->settings[k]);
            snprintf(name, sizeof name, "%s, D = %lld, C = %lld, occurrence %lld", yaml,
                     (long long)D, (long long)C, (long long)(i % 2));
            const situation s = {v, yaml, D, C, i % 2, name};
            void *state;
            assert_int_equal(fixture_setup(&state), 0);
            check(state, &s);
            assert_int_equal(fixture_teardown(&state), 0);
        }
    }
}

static void every_kind_has_a_row_in_the_table(void **state)
{
    (void)state;
    for (const flo_bijection_kind *const *kind = flo_bijection_kinds; *kind; kind++) {
        bool found = false;
        for (int v = 0; v < VARIANTS; v++)
            found |= strcmp(variants[v].kind, (*kind)->name) == 0;
        if (!found)
            fail_msg("bijection kind `%s` has no row in the table `variants` of "
                     "tests/bijections/test_conformance.c: add one, with all of its "
                     "settings",
                     (*kind)->name);
        assert_non_null((*kind)->settings);
        assert_string_equal((*kind)->settings->name, (*kind)->name);
        assert_true((*kind)->configure && (*kind)->fit && (*kind)->prepare &&
                    (*kind)->init && (*kind)->start && (*kind)->forward &&
                    (*kind)->inverse && (*kind)->backward);
    }
}

static void check_inverse(fixture *f, const situation *s)
{
    layer l;
    situation_layer(f, s, 5, &l);
    for (int training = 1; training >= 0; training--) {
        l.pass.training = training;
        l.pass.noise = training || l.b->dithers ? l.noise : NULL;
        flo_real *const x = layer_reals(f, l.B * l.D);
        layer_forward(&l);
        assert_all_finite(s->name, l.B * l.D, l.z);
        layer_inverse(&l, x);
        assert_all_near(s->name, l.B * l.D, x, layer_origin(&l), inverse_near);
        for (int64_t i = 0; i < l.B; i++)
            if (!(fabs(l.logdet[i]) <= inverse_near))
                fail_msg("%s: log-determinants of forward and inverse sum to %g",
                         s->name, l.logdet[i]);
    }
    layer_check_guards(s->name, &l);
}

/* Thousands of differences are about numbers; what a sanitizer looks for the other laws
   show it, and sooner. */
#ifdef __SANITIZE_ADDRESS__
enum { SKIPS_DIFFERENCES = true };
#else
enum { SKIPS_DIFFERENCES = false };
#endif

static void check_determinant(fixture *f, const situation *s)
{
    layer l;
    if (SKIPS_DIFFERENCES)
        return;
    situation_layer(f, s, 3, &l);
    double numerical[3];
    layer_numerical_logdet(f, &l, numerical);
    layer_forward(&l);
    for (int64_t i = 0; i < l.B; i++)
        if (!is_near(l.logdet[i], numerical[i], logdet_near))
            fail_msg("%s, row %lld: found log|det| %.12g, the numerical Jacobian has "
                     "%.12g",
                     s->name, (long long)i, l.logdet[i], numerical[i]);
}

static void check_gradient(fixture *f, const situation *s)
{
    layer l;
    if (SKIPS_DIFFERENCES)
        return;
    situation_layer(f, s, 3, &l);
    layer_zero_gradients(&l);
    layer_forward(&l);
    layer_backward(&l);
    layer_check_guards(s->name, &l);
    char what[400];
    snprintf(what, sizeof what, "%s: dx", s->name);
    assert_gradient(what, l.B * l.D, l.dx, l.x, layer_loss, &l);
    snprintf(what, sizeof what, "%s: dcontext", s->name);
    assert_gradient(what, l.B * l.C, l.dcontext, l.context, layer_loss, &l);
    assert_parameter_gradients(s->name, &l.b->parameters, l.dtheta, l.theta, layer_loss,
                               &l);
}

/* forward and inverse add to logdet, backward to dtheta and dcontext; everything else
   is overwritten, whatever was there (the buffers start as NaN). */
static void check_what_is_added(fixture *f, const situation *s)
{
    layer zero, two;
    situation_layer(f, s, 4, &zero);
    situation_layer(f, s, 4, &two);
    layer_zero_gradients(&zero);
    fill_reals(two.P, 2, two.dtheta);
    fill_reals(two.B * two.C, 2, two.dcontext);
    for (int64_t i = 0; i < two.B; i++)
        two.logdet[i] = 2;
    layer_forward(&zero);
    layer_backward(&zero);
    layer_add_forward(&two);
    layer_backward(&two);
    const size_t bytes = (size_t)(two.B * two.D) * sizeof(flo_real);
    assert_same_bits(s->name, bytes, two.z, zero.z);
    assert_same_bits(s->name, bytes, two.dx, zero.dx);
    for (int64_t i = 0; i < two.B; i++)
        assert_near(two.logdet[i], 2 + zero.logdet[i], near_enough);
    for (int64_t i = 0; i < two.b->parameters.count; i++)
        assert_parameters_added(&two.b->parameters.tensors[i], 2, zero.dtheta,
                                two.dtheta);
    for (int64_t i = 0; i < two.B * two.C; i++)
        assert_near(two.dcontext[i], 2 + (double)zero.dcontext[i], near_enough);
    make_fresh(&two.b->parameters, two.dtheta);
    two.pass.fresh = true;
    layer_backward(&two);
    two.pass.fresh = false;
    assert_same_bits(s->name, (size_t)two.P * sizeof(flo_real), two.dtheta,
                     zero.dtheta);
    flo_real *const x = layer_reals(f, two.B * two.D);
    memset(zero.logdet, 0, (size_t)two.B * sizeof *zero.logdet);
    for (int64_t i = 0; i < two.B; i++)
        two.logdet[i] = 2;
    layer_inverse(&zero, x);
    layer_inverse(&two, x);
    for (int64_t i = 0; i < two.B; i++)
        assert_near(two.logdet[i], 2 + zero.logdet[i], near_enough);
}

/* The results of one row: z, x of the inverse, dx [D] each, then logdet as bits. */
typedef struct row_results {
    flo_real *z, *x, *dx;
    double logdet, back;
} row_results;

static row_results results_of(fixture *f, layer *l, int64_t row)
{
    row_results r = {.x = layer_reals(f, l->B * l->D)};
    layer_zero_gradients(l);
    layer_forward(l);
    r.logdet = l->logdet[row];
    layer_backward(l);
    memset(l->logdet, 0, (size_t)l->B * sizeof *l->logdet);
    layer_inverse(l, r.x);
    r.back = l->logdet[row];
    r.x += row * l->D;
    r.z = l->z + row * l->D;
    r.dx = l->dx + row * l->D;
    return r;
}

/* Other rows, NaN among them, leave the bits of a row alone. */
static void check_other_rows_do_not_matter(fixture *f, const situation *s)
{
    enum { ROW = 4 };
    layer l, other;
    situation_layer(f, s, 7, &l);
    situation_layer(f, s, 7, &other);
    for (int64_t i = 0; i < 7 * l.D; i++)
        if (i / l.D != ROW) {
            other.x[i] = i / l.D == 1 ? (flo_real)NAN : -2 * l.x[i];
            other.dz[i] = l.dz[i] + 1;
        }
    for (int64_t i = 0; i < 7 * l.C; i++)
        other.context[i] = l.context[i] + (i / l.C != ROW ? 1 : 0);
    for (int64_t i = 0; i < 7; i++)
        other.dlogdet[i] += i != ROW ? 1 : 0;
    for (int64_t i = 0; i < 7 * l.b->noise; i++)
        if (i / l.b->noise != ROW)
            other.noise[i] = 1 - other.noise[i];
    const row_results a = results_of(f, &l, ROW), b = results_of(f, &other, ROW);
    const size_t bytes = (size_t)l.D * sizeof(flo_real);
    assert_same_bits(s->name, bytes, b.z, a.z);
    assert_same_bits(s->name, bytes, b.x, a.x);
    assert_same_bits(s->name, bytes, b.dx, a.dx);
    assert_same_bits(s->name, sizeof a.logdet, &b.logdet, &a.logdet);
    assert_same_bits(s->name, sizeof a.back, &b.back, &a.back);
}

/* A row alone gives what it gives among others, dropout included, and so do the sums
   over rows. */
static void check_batch_sizes_agree(fixture *f, const situation *s)
{
    layer l, one;
    situation_layer(f, s, 7, &l);
    situation_layer(f, s, 1, &one);
    flo_real *const dtheta = layer_reals(f, l.P);
    fill_reals(l.P, 0, dtheta);
    for (int64_t i = 0; i < 7; i++) {
        memcpy(one.x, l.x + i * l.D, (size_t)l.D * sizeof *l.x);
        memcpy(one.dz, l.dz + i * l.D, (size_t)l.D * sizeof *l.dz);
        memcpy(one.context, l.context + i * l.C, (size_t)l.C * sizeof *l.x);
        one.dlogdet[0] = l.dlogdet[i];
        memcpy(one.noise, l.noise + i * l.b->noise,
               (size_t)l.b->noise * sizeof *l.noise);
        const row_results a = results_of(f, &l, i), b = results_of(f, &one, 0);
        assert_all_near(s->name, l.D, b.z, a.z, near_enough);
        assert_all_near(s->name, l.D, b.x, a.x, 10 * near_enough);
        assert_all_near(s->name, l.D, b.dx, a.dx, near_enough);
        assert_near(b.logdet, a.logdet, near_enough);
        assert_all_near(s->name, l.C, one.dcontext, l.dcontext + i * l.C, near_enough);
        for (int64_t k = 0; k < l.P; k++)
            dtheta[k] += one.dtheta[k];
    }
    assert_all_near(s->name, l.P, l.dtheta, dtheta, 10 * near_enough);
}

static void check_start(fixture *f, const situation *s)
{
    layer l;
    situation_layer(f, s, 5, &l);
    const flo_random_key key = {11, FLO_RANDOM_PARAMETERS, 3, 0};
    fill_reals(l.P, (double)NAN, l.theta);
    l.b->kind->init(l.b, key, l.theta);
    assert_all_finite(s->name, l.P, l.theta);
    flo_real *const again = layer_reals(f, l.P);
    l.b->kind->init(l.b, key, again);
    assert_same_bits(s->name, (size_t)l.P * sizeof *again, again, l.theta);
    assert_true(isnan(again[l.P]));
    if (!s->variant->starts_as_identity)
        return;
    layer_forward(&l);
    assert_all_near(s->name, l.B * l.D, l.z, l.x, near_enough);
    for (int64_t i = 0; i < l.B; i++)
        assert_near(l.logdet[i], 0, near_enough);
}

/* Moments [D] of rows x [B, D]. */
static flo_moments moments_of(fixture *f, int64_t B, int64_t D, const flo_real *x)
{
    double *const mean = layer_doubles(f, D), *const deviation = layer_doubles(f, D);
    for (int64_t j = 0; j < D; j++) {
        double squares = 0;
        for (int64_t i = 0; i < B; i++)
            mean[j] += (double)x[i * D + j];
        mean[j] /= (double)B;
        for (int64_t i = 0; i < B; i++)
            squares += pow((double)x[i * D + j] - mean[j], 2);
        deviation[j] = sqrt(squares / (double)B);
    }
    return (flo_moments){.mean = mean, .deviation = deviation};
}

/* A kind that starts from data gives it mean 0 and deviation 1, and only mean 0 to a
   column that does not vary, which it counts; any other stays as init left it. */
static void check_start_from_data(fixture *f, const situation *s)
{
    enum { ROWS = 40 };
    layer l;
    situation_layer(f, s, ROWS, &l);
    const flo_random_key key = {11, FLO_RANDOM_PARAMETERS, 3, 0};
    for (int64_t i = 0; i < ROWS * l.D; i++)
        l.x[i] = i % l.D == l.D - 1
                     ? 42
                     : (flo_real)(3 + (double)(1 + i % l.D) * (double)l.x[i]);
    l.b->kind->init(l.b, key, l.theta);
    flo_real *const before = layer_reals(f, l.P);
    memcpy(before, l.theta, (size_t)l.P * sizeof *before);
    const flo_moments data = moments_of(f, ROWS, l.D, l.x);
    const int64_t constant = l.b->kind->start(l.b, &data, l.theta);
    assert_true(isnan(l.theta[l.P]));
    if (!l.b->kind->starts_from_data) {
        assert_int_equal(constant, 0);
        assert_same_bits(s->name, (size_t)l.P * sizeof *before, l.theta, before);
        return;
    }
    assert_int_equal(constant, 1);
    layer_forward(&l);
    const flo_moments found = moments_of(f, ROWS, l.D, l.z);
    for (int64_t j = 0; j < l.D; j++) {
        assert_near(found.mean[j], 0, near_enough);
        assert_near(found.deviation[j], j < l.D - 1, near_enough);
    }
}

/* |a - b| of a row against the size of b, both [D]: the largest of each. */
static double row_error(int64_t D, const flo_real *a, const flo_real *b)
{
    double size = 0, error = 0;
    for (int64_t j = 0; j < D; j++) {
        size = fmax(size, fabs((double)b[j]));
        error = fmax(error, fabs((double)a[j] - (double)b[j]));
    }
    return error / (1 + size);
}

/* Inverse gives x again, or what forward takes to the same z: a map may be so flat that
   x is lost in the rounding of z, or so steep that z is lost in that of x. */
static void check_comes_back(fixture *f, const char *name, layer *l, flo_real *x)
{
    flo_real *const old_x = layer_reals(f, l->B * l->D), *const old_z = l->z;
    memcpy(old_x, layer_origin(l), (size_t)(l->B * l->D) * sizeof *old_x);
    l->x = x;
    l->z = layer_reals(f, l->B * l->D);
    layer_forward(l);
    for (int64_t i = 0; i < l->B; i++) {
        const double dx = row_error(l->D, x + i * l->D, old_x + i * l->D);
        const double dz = row_error(l->D, l->z + i * l->D, old_z + i * l->D);
        if (!(dx <= inverse_near || dz <= inverse_near))
            fail_msg("%s, row %lld: the inverse is off by %g of x, and %g of z", name,
                     (long long)i, dx, dz);
    }
}

/* Far out in what column j of a layer takes: the number of row `row` of six. */
static flo_real extreme_of(const layer *l, int64_t j, int64_t row)
{
    static const double line[6] = {1e6, -1e6, 1e9, 0, 1e6, 1e6};
    static const double positive[6] = {1e6, 1e-30, 1e9, 1e3, 1e6, 1e6};
    static const double unit[6] = {1e-12, 0.9999999, 1e-22, 1e-15, 1e-12, 1e-12};
    static const double share[6] = {1e-6, 0.999999, 1e-5, 0.5, 1e-6, 1e-6};
    double low, high;
    layer_ends(l, j, &low, &high);
    if (isinf(low))
        return (flo_real)line[row];
    if (isinf(high))
        return (flo_real)positive[row];
    if (flo_bijection_takes(l->b, j) == FLO_UNIT_INTERVAL)
        return (flo_real)unit[row];
    return (flo_real)(low + (high - low) * share[row]);
}

/* Whether a number is one that columns of this range hold. */
static bool is_in_range(flo_range range, double value)
{
    return isfinite(value) && (range != FLO_POSITIVE || value > 0) &&
           (range != FLO_UNIT_INTERVAL || (value > 0 && value < 1));
}

static void assert_all_in_image(const situation *s, const layer *l)
{
    for (int64_t i = 0; i < l->B * l->D; i++) {
        const flo_range image = flo_bijection_gives(l->b, i % l->D, FLO_WHOLE_LINE);
        if (!is_in_range(image, (double)l->z[i]))
            fail_msg("%s: found %g, which is not in the range that the kind promises",
                     s->name, (double)l->z[i]);
    }
}

/* Rows up to a million away, or close to the ends of the domain, and rows that are all
   equal. */
static void check_extremes(fixture *f, const situation *s)
{
    layer l;
    situation_layer(f, s, 6, &l);
    for (int64_t i = 0; i < 6 * l.D; i++)
        l.x[i] = extreme_of(&l, i % l.D, i / l.D);
    const row_results r = results_of(f, &l, 0);
    assert_all_in_image(s, &l);
    assert_all_finite(s->name, 6 * l.D, r.x);
    assert_all_finite(s->name, 6 * l.D, r.dx);
    assert_all_finite(s->name, l.P, l.dtheta);
    assert_all_finite(s->name, 6 * l.C, l.dcontext);
    for (int64_t i = 0; i < 6; i++)
        assert_true(isfinite(l.logdet[i]));
    check_comes_back(f, s->name, &l, r.x);
}

/* A kind that takes a part of the line says so in the log-density of any other row
   under a normal base, and its inverse stays where forward can take it. */
static void check_domain(fixture *f, const situation *s)
{
    static const double beyond[4] = {1, 2, 1e6, 1e6}, far[4] = {1e6, -1e6, 90, -90};
    layer l;
    situation_layer(f, s, 4, &l);
    int64_t at = 0; /* the first column that it acts on */
    while (l.b->passes && l.b->passes[at])
        at++;
    double low, high;
    layer_ends(&l, at, &low, &high);
    if (isinf(low))
        return;
    for (int64_t i = 0; i < 4; i++)
        l.x[i * l.D + at] =
            (flo_real)(i % 2 && isfinite(high) ? high + beyond[i] : low - beyond[i]);
    layer_forward(&l);
    for (int64_t i = 0; i < 4; i++) {
        double log_density = l.logdet[i];
        for (int64_t j = 0; j < l.D; j++)
            log_density -= 0.5 * (double)l.z[i * l.D + j] * (double)l.z[i * l.D + j];
        if (isfinite(log_density))
            fail_msg("%s: %g outside of the domain has log-density %g", s->name,
                     (double)l.x[i * l.D + at], log_density);
    }
    for (int64_t i = 0; i < 4 * l.D; i++)
        l.z[i] = (flo_real)far[i / l.D];
    memset(l.logdet, 0, 4 * sizeof *l.logdet);
    layer_inverse(&l, l.x);
    layer_forward(&l);
    assert_all_finite(s->name, 4 * l.D, l.x);
    assert_all_finite(s->name, 4 * l.D, l.z);
    for (int64_t i = 0; i < 4; i++)
        assert_true(isfinite(l.logdet[i]));
}

/* A row with one NaN has NaN in z or logdet: it must show in the log-density. */
static void check_nan_shows(fixture *f, const situation *s)
{
    layer l;
    situation_layer(f, s, l.B = s->D, &l);
    for (int64_t i = 0; i < l.B; i++)
        l.x[i * l.D + i] = (flo_real)NAN;
    layer_forward(&l);
    for (int64_t i = 0; i < l.B; i++) {
        bool shows = isnan(l.logdet[i]);
        for (int64_t j = 0; j < l.D; j++)
            shows |= isnan(l.z[i * l.D + j]);
        if (!shows)
            fail_msg("%s: a NaN in column %lld is lost", s->name, (long long)i);
    }
}

/* The constants are all that a file keeps: another layer prepared from them is the
   same, and they are refused when they cannot be this layer's. */
static void check_constants(fixture *f, const situation *s)
{
    layer l, copy;
    situation_layer(f, s, 3, &l);
    layer_forward(&l);
    copy = l;
    copy.place.seed += !s->variant->takes_angles; /* whose order is the seed's */
    assert_int_equal(flo_bijection_create(f->arena, parse(f, s->yaml), s->D, s->C,
                                          &copy.place, &copy.b),
                     FLO_OK);
    assert_int_equal(copy.b->constants.size, l.b->constants.size);
    assert_int_equal(copy.b->parameters.size, l.P);
    assert_int_equal(copy.b->kind->prepare(copy.b, f->context, l.constants), FLO_OK);
    copy.z = layer_reals(f, l.B * l.D);
    layer_forward(&copy);
    assert_same_bits(s->name, (size_t)(l.B * l.D) * sizeof *l.z, copy.z, l.z);
    for (int64_t i = 0; i < l.b->constants.size; i++)
        l.constants[i] = -7;
    if (l.b->constants.size)
        assert_int_equal(copy.b->kind->prepare(copy.b, f->context, l.constants),
                         FLO_ERROR_FILE);
}

/* One test a law. */
#define LAW(name, check)                                                               \
    static void name(void **state)                                                     \
    {                                                                                  \
        (void)state;                                                                   \
        for_every_situation(check);                                                    \
    }

LAW(inverse_undoes_forward, check_inverse)
LAW(logdet_is_that_of_the_numerical_jacobian, check_determinant)
LAW(backward_is_the_gradient, check_gradient)
LAW(what_is_added_and_what_overwritten, check_what_is_added)
LAW(other_rows_do_not_matter, check_other_rows_do_not_matter)
LAW(batch_sizes_agree, check_batch_sizes_agree)
LAW(a_layer_starts_as_promised, check_start)
LAW(a_start_from_data_normalises_it, check_start_from_data)
LAW(extreme_rows_stay_finite_and_come_back, check_extremes)
LAW(nan_shows, check_nan_shows)
LAW(a_domain_is_kept, check_domain)
LAW(constants_are_all_that_a_file_keeps, check_constants)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_row_in_the_table),
        cmocka_unit_test(inverse_undoes_forward),
        cmocka_unit_test(logdet_is_that_of_the_numerical_jacobian),
        cmocka_unit_test(backward_is_the_gradient),
        cmocka_unit_test(what_is_added_and_what_overwritten),
        cmocka_unit_test(other_rows_do_not_matter),
        cmocka_unit_test(batch_sizes_agree),
        cmocka_unit_test(a_layer_starts_as_promised),
        cmocka_unit_test(a_start_from_data_normalises_it),
        cmocka_unit_test(extreme_rows_stay_finite_and_come_back),
        cmocka_unit_test(nan_shows),
        cmocka_unit_test(a_domain_is_kept),
        cmocka_unit_test(constants_are_all_that_a_file_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
