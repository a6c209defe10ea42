/* Closed forms of the densities that have one, and settings that are refused. What
   every kind must do is in test_conformance.c. */
#include "densities/rig.h"

#include <stdio.h>

static const char *const loose = "{kind: correlated_normal, mean: 0.5, deviation: 0.7, "
                                 "correlation: 0.8}";
static const char *const alternating =
    "{kind: correlated_normal, mean: -1, deviation: 1.5, correlation: -0.6}";

enum { SAMPLES = 40000, COLUMNS = 4 };

/* Mean and covariance of samples at a temperature. */
static void check_moments(const flo_real *z, double mean, double deviation,
                          double correlation)
{
    for (int i = 0; i < COLUMNS; i++) {
        double average = 0;
        for (int64_t s = 0; s < SAMPLES; s++)
            average += (double)z[s * COLUMNS + i] / SAMPLES;
        assert_near(average, mean, 0.03);
        for (int j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (int64_t s = 0; s < SAMPLES; s++)
                sum += ((double)z[s * COLUMNS + i] - mean) *
                       ((double)z[s * COLUMNS + j] - mean) / SAMPLES;
            const double wanted = pow(correlation, abs(i - j));
            assert_near(sum / (deviation * deviation), wanted, 0.02);
        }
    }
}

static void sample_moments_are_those_of_the_settings(void **state)
{
    const struct {
        const char *yaml;
        double mean, deviation, correlation;
    } cases[] = {{"{kind: normal}", 0, 1, 0},
                 {loose, 0.5, 0.7, 0.8},
                 {alternating, -1, 1.5, -0.6}};
    for (int i = 0; i < 6; i++) {
        const double temperature = i % 2 ? 0.5 : 1;
        rig r;
        rig_create(*state, cases[i / 2].yaml, SAMPLES, COLUMNS, 0, &r);
        rig_sample(&r, temperature);
        check_moments(r.z, cases[i / 2].mean, temperature * cases[i / 2].deviation,
                      cases[i / 2].correlation);
    }
}

/* log N(z; m, K) with K_ij = d^2 r^|i-j| inverted by elimination. */
static double closed_form(int64_t D, const flo_real *z, double mean, double deviation,
                          double r)
{
    double K[64] = {0}, u[8] = {0}, work[64];
    for (int64_t i = 0; i < D; i++) {
        u[i] = (double)z[i] - mean;
        for (int64_t j = 0; j < D; j++)
            K[i * D + j] = deviation * deviation * pow(r, fabs((double)(i - j)));
    }
    memcpy(work, K, sizeof work);
    const double log_det = log_determinant(D, work, NULL);
    double squares = 0; /* u K^-1 u by forward elimination of a symmetric matrix */
    for (int64_t k = 0; k < D; k++) {
        squares += u[k] * u[k] / K[k * D + k];
        for (int64_t i = k + 1; i < D; i++) {
            const double factor = K[i * D + k] / K[k * D + k];
            u[i] -= factor * u[k];
            for (int64_t j = k; j < D; j++)
                K[i * D + j] -= factor * K[k * D + j];
        }
    }
    return -0.5 * (squares + log_det + (double)D * log(2 * acos(-1)));
}

static void log_prob_is_the_closed_form(void **state)
{
    fixture *const f = *state;
    const int64_t sizes[] = {1, 2, 7};
    for (int s = 0; s < 3; s++) {
        rig r;
        rig_create(f, "{kind: normal}", 1, sizes[s], 0, &r);
        rig_log_prob(&r);
        assert_near(r.log_prob[0], closed_form(r.D, r.z, 0, 1, 0), 1e-12);
        rig_create(f, loose, 1, sizes[s], 0, &r);
        rig_log_prob(&r);
        assert_near(r.log_prob[0], closed_form(r.D, r.z, 0.5, 0.7, 0.8), 1e-12);
        rig_create(f, alternating, 1, sizes[s], 0, &r);
        rig_log_prob(&r);
        assert_near(r.log_prob[0], closed_form(r.D, r.z, -1, 1.5, -0.6), 1e-12);
    }
}

static double clamped(flo_real a, double limit)
{
    return (double)a / (1 + fabs((double)a) / limit);
}

static void diagonal_normal_is_the_closed_form(void **state)
{
    rig r;
    rig_create(*state, "{kind: diagonal_normal, scale_limit: 3}", 5, 4, 0, &r);
    rig_log_prob(&r);
    for (int64_t i = 0; i < 5; i++) {
        double wanted = 0;
        for (int64_t j = 0; j < 4; j++) {
            const double s = clamped(r.theta[4 + j], 3);
            const double u = ((double)r.z[i * 4 + j] - (double)r.theta[j]) / exp(s);
            wanted -= 0.5 * u * u + s + 0.5 * log(2 * acos(-1));
        }
        assert_near(r.log_prob[i], wanted, 0.1 * near_enough);
    }
}

/* By libm's log-gamma; and the degrees of freedom start where they are said to. */
static void student_t_is_the_closed_form(void **state)
{
    rig r;
    rig_create(*state, "{kind: student_t, degrees_of_freedom: 4.5}", 5, 4, 0, &r);
    for (int start = 0; start < 2; start++) {
        rig_log_prob(&r);
        for (int64_t i = 0; i < 5; i++) {
            double wanted = 0;
            for (int64_t j = 0; j < 4; j++) {
                const double s = clamped(r.theta[4 + j], 7);
                const double t = ((double)r.z[i * 4 + j] - (double)r.theta[j]) / exp(s);
                const double nu = start ? 4.5 : 1 + log1p(exp((double)r.theta[8 + j]));
                wanted += lgamma(0.5 * (nu + 1)) - lgamma(0.5 * nu) - s -
                          0.5 * log(nu * acos(-1)) - 0.5 * (nu + 1) * log1p(t * t / nu);
            }
            assert_near(r.log_prob[i], wanted, 0.1 * near_enough);
        }
        rig_start(&r);
    }
}

/* Parameters beyond any that training should reach leave values and gradients finite.
 */
static void wild_parameters_stay_finite(void **state)
{
    const char *const kinds[] = {"{kind: diagonal_normal}", "{kind: student_t}",
                                 "{kind: mixture, components: 3}"};
    const double size[] = {1e4, -1e4, 1e6};
    for (int k = 0; k < 9; k++) {
        rig r;
        rig_create(*state, kinds[k / 3], 4, 3, 0, &r);
        for (int64_t i = 0; i < r.P; i++)
            r.theta[i] *= (flo_real)size[k % 3];
        rig_zero_gradients(&r);
        rig_log_prob(&r);
        rig_backward(&r);
        for (int64_t i = 0; i < 4; i++)
            assert_true(isfinite(r.log_prob[i]));
        assert_all_finite(kinds[k / 3], 12, r.dz);
        assert_all_finite(kinds[k / 3], r.P, r.dtheta);
        rig_sample(&r, 1);
        assert_all_finite(kinds[k / 3], 12, r.z);
    }
}

static void uniform_is_flat_inside_its_box(void **state)
{
    rig r;
    rig_create(*state, "{kind: uniform, low: -1, high: 3}", 4, 2, 0, &r);
    const double z[8] = {-1, 3, 0, 2.9, -1.01, 0, 0, 3.01};
    for (int i = 0; i < 8; i++)
        r.z[i] = (flo_real)z[i];
    rig_log_prob(&r);
    assert_near(r.log_prob[0], -2 * log(4), 1e-14);
    assert_near(r.log_prob[1], -2 * log(4), 1e-14);
    assert_true(isinf(r.log_prob[2]) && r.log_prob[2] < 0);
    assert_true(isinf(r.log_prob[3]) && r.log_prob[3] < 0);
}

/* Each names the density's place and says what is wanted. */
static void wrong_densities_are_refused(void **state)
{
    fixture *const f = *state;
    flo_density *d;
    const char *const bad[][2] = {
        {"{kind: cauchy}", "student_t"},
        {"{}", "a kind of density"},
        {"[normal]", "a kind of density"},
        {"normal", "a kind of density"},
        {"{kind: normal, mean: 1}", "mean"},
        {"{kind: correlated_normal, correlation: 1}", "correlation"},
        {"{kind: correlated_normal, deviation: 0}", "deviation"},
        {"{kind: diagonal_normal, hidden: [8]}", "data.context"},
        {"{kind: student_t, degrees_of_freedom: 2, least_degrees: 2}", "below"},
        {"{kind: mixture, components: 0}", "components"},
        {"{kind: mixture, spread: 0}", "spread"},
        {"{kind: autoregressive_mixture}", "either hidden"},
        {"{kind: uniform, low: 1, high: 1}", "above low"}};
    for (int i = 0; i < 13; i++) {
        flo_node *const root = parse(f, "{}");
        assert_int_equal(flo_node_set(f->arena, root, "base", bad[i][0], "a.yaml"),
                         FLO_OK);
        assert_int_equal(
            flo_density_create(f->arena, flo_node_find(root, "base"), 2, 0, &d),
            FLO_ERROR_CONFIG);
        assert_non_null(strstr(flo_context_message(f->context), "base"));
        assert_non_null(strstr(flo_context_message(f->context), bad[i][1]));
    }
}

static void only_some_know_their_columns(void **state)
{
    fixture *const f = *state;
    for (const flo_density_kind *const *kind = flo_density_kinds; *kind; kind++) {
        char yaml[64];
        flo_density *d;
        snprintf(yaml, sizeof yaml, "{kind: %s}", (*kind)->name);
        const flo_status status =
            flo_density_create(f->arena, parse(f, yaml), 0, 0, &d);
        if (strcmp((*kind)->name, "correlated_normal") == 0)
            assert_int_equal(status, FLO_OK);
        else
            assert_non_null(
                strstr(flo_context_message(f->context), "knows its dimension"));
    }
    flo_density *six;
    flo_node *const node = parse(f, "{kind: correlated_normal, features: 6}");
    assert_int_equal(flo_density_create(f->arena, node, 0, 0, &six), FLO_OK);
    assert_int_equal(six->features, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(sample_moments_are_those_of_the_settings),
        FIXTURE_TEST(log_prob_is_the_closed_form),
        FIXTURE_TEST(diagonal_normal_is_the_closed_form),
        FIXTURE_TEST(student_t_is_the_closed_form),
        FIXTURE_TEST(wild_parameters_stay_finite),
        FIXTURE_TEST(uniform_is_flat_inside_its_box),
        FIXTURE_TEST(wrong_densities_are_refused),
        FIXTURE_TEST(only_some_know_their_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
