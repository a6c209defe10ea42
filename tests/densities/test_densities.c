/* Every density of the registry: normalisation, gradient, samples; and the closed forms
   of those there are. */
#include "densities/density.h"

#include "config/fixture.h"
#include "linalg/numbers.h"

#include <stdio.h>

/* One row or more a kind; settings in flow YAML behind the kind. */
static const struct variant {
    const char *kind, *settings;
} variants[] = {
    {"normal", ""},
    {"correlated_normal", ""},
    {"correlated_normal", ", mean: 0.5, deviation: 0.7, correlation: 0.8"},
    {"correlated_normal", ", mean: -1, deviation: 1.5, correlation: -0.6"},
    {"correlated_normal", ", correlation: 0.3, log_evidence: 1.25"},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static flo_density *create(fixture *f, const struct variant *v, int64_t D)
{
    char yaml[160];
    snprintf(yaml, sizeof yaml, "{kind: %s%s}", v->kind, v->settings);
    flo_density *density;
    if (flo_density_create(f->arena, parse(f, yaml), D, 0, &density) != FLO_OK)
        fail_msg("%s: %s", yaml, flo_context_message(f->context));
    return density;
}

static void log_prob(const flo_density *density, int64_t rows, const flo_real *z,
                     double *out)
{
    const flo_pass pass = {.rows = rows};
    memset(out, 0, (size_t)rows * sizeof *out);
    density->kind->log_prob(density, NULL, &pass, z, out);
}

/* These tests hand over neither parameters nor cache, so a kind that wants them must
   extend them. */
static void every_kind_has_a_row_in_the_table(void **state)
{
    for (const flo_density_kind *const *kind = flo_density_kinds; *kind; kind++) {
        bool found = false;
        for (int v = 0; v < VARIANTS; v++)
            found |= strcmp(variants[v].kind, (*kind)->name) == 0;
        if (!found)
            fail_msg("density kind `%s` has no row in the table `variants` of "
                     "tests/densities/test_densities.c: add one",
                     (*kind)->name);
        assert_string_equal((*kind)->settings->name, (*kind)->name);
    }
    for (int v = 0; v < VARIANTS; v++) {
        const flo_density *const d = create(*state, &variants[v], 2);
        assert_int_equal(d->parameters.size, 0);
        assert_int_equal(d->cache + d->scratch + d->scratch_fixed + d->noise, 0);
    }
}

/* Midpoint sums over a wide square converge faster than any power. */
static void it_integrates_to_its_evidence(void **state)
{
    enum { N = 160 };
    const double width = 20, step = width / N;
    for (int v = 0; v < VARIANTS; v++) {
        const flo_density *const d = create(*state, &variants[v], 2);
        double sum = 0;
        for (int64_t i = 0; i < N; i++) {
            flo_real z[2 * N];
            double value[N];
            for (int64_t j = 0; j < N; j++) {
                z[2 * j] = (flo_real)(((double)i + 0.5) * step - width / 2);
                z[2 * j + 1] = (flo_real)(((double)j + 0.5) * step - width / 2);
            }
            log_prob(d, N, z, value);
            for (int64_t j = 0; j < N; j++)
                sum += exp(value[j]) * step * step;
        }
        assert_near(log(sum), d->log_evidence, 1e-5);
    }
}

typedef struct problem {
    const flo_density *density;
    int64_t rows;
    flo_real *z;
    double *weight;
} problem;

static double loss(void *data)
{
    const problem *const p = data;
    double value[8], sum = 0;
    log_prob(p->density, p->rows, p->z, value);
    for (int64_t i = 0; i < p->rows; i++)
        sum += p->weight[i] * value[i];
    return sum;
}

static void backward_is_the_gradient(void **state)
{
    const int64_t sizes[] = {1, 2, 5};
    for (int v = 0; v < VARIANTS * 3; v++) {
        const int64_t D = sizes[v % 3], B = 4;
        flo_real z[20], dz[20];
        double weight[4];
        draw_normals(1, 1, B * D, z);
        draw_doubles(2, B, weight);
        fill_reals(20, (double)NAN, dz);
        problem p = {create(*state, &variants[v / 3], D), B, z, weight};
        const flo_pass pass = {.rows = B};
        p.density->kind->backward(p.density, NULL, &pass, z, weight, dz, NULL, NULL);
        assert_gradient(p.density->kind->name, B * D, dz, z, loss, &p);
    }
}

static void log_prob_adds(void **state)
{
    for (int v = 0; v < VARIANTS; v++) {
        const flo_density *const d = create(*state, &variants[v], 3);
        const flo_pass pass = {.rows = 2};
        flo_real z[6];
        double value[2], added[2] = {5, 5};
        draw_normals(1, 1, 6, z);
        log_prob(d, 2, z, value);
        d->kind->log_prob(d, NULL, &pass, z, added);
        for (int64_t i = 0; i < 2; i++)
            assert_near(added[i], 5 + value[i], 1e-14);
    }
}

enum { SAMPLES = 40000, COLUMNS = 4 };

static flo_real *draw(fixture *f, const flo_density *d, double temperature)
{
    flo_real *normals, *z;
    const int64_t n = SAMPLES * d->normals;
    assert_int_equal(flo_arena_take(f->arena, n, sizeof *normals, &normals), FLO_OK);
    assert_int_equal(flo_arena_take(f->arena, SAMPLES * COLUMNS, sizeof *z, &z),
                     FLO_OK);
    assert_int_equal(d->uniforms, 0);
    draw_normals(9, 1, n, normals);
    const flo_pass pass = {.rows = SAMPLES};
    d->kind->sample(d, NULL, &pass, normals, NULL, temperature, z);
    return z;
}

/* Samples come from the density that log_prob gives: for E[score] = 0 and
   E[z_i score_j] = -(i == j), score the gradient of log_prob, hold for no other smooth
   density with the same tails. */
static void samples_agree_with_log_prob(void **state)
{
    for (int v = 0; v < VARIANTS; v++) {
        const flo_density *const d = create(*state, &variants[v], COLUMNS);
        const flo_real *const z = draw(*state, d, 1);
        double first[COLUMNS] = {0}, second[COLUMNS][COLUMNS] = {{0}};
        for (int64_t s = 0; s < SAMPLES; s++) {
            const flo_pass pass = {.rows = 1};
            const double one = 1;
            flo_real score[COLUMNS];
            const flo_real *const row = z + s * COLUMNS;
            d->kind->backward(d, NULL, &pass, row, &one, score, NULL, NULL);
            for (int i = 0; i < COLUMNS; i++) {
                first[i] += (double)score[i] / SAMPLES;
                for (int j = 0; j < COLUMNS; j++)
                    second[i][j] += (double)row[i] * (double)score[j] / SAMPLES;
            }
        }
        for (int i = 0; i < COLUMNS; i++) {
            assert_near(first[i], 0, 0.06);
            for (int j = 0; j < COLUMNS; j++)
                assert_near(second[i][j], i == j ? -1 : 0, 0.08);
        }
    }
}

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
    fixture *const f = *state;
    for (int t = 0; t < 2; t++) {
        const double temperature = t ? 0.5 : 1;
        check_moments(draw(f, create(f, &variants[0], COLUMNS), temperature), 0,
                      temperature, 0);
        check_moments(draw(f, create(f, &variants[2], COLUMNS), temperature), 0.5,
                      0.7 * temperature, 0.8);
        check_moments(draw(f, create(f, &variants[3], COLUMNS), temperature), -1,
                      1.5 * temperature, -0.6);
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
        const int64_t D = sizes[s];
        flo_real z[7];
        double value;
        draw_normals(3, 1, D, z);
        log_prob(create(f, &variants[0], D), 1, z, &value);
        assert_near(value, closed_form(D, z, 0, 1, 0), 1e-12);
        log_prob(create(f, &variants[2], D), 1, z, &value);
        assert_near(value, closed_form(D, z, 0.5, 0.7, 0.8), 1e-12);
        log_prob(create(f, &variants[3], D), 1, z, &value);
        assert_near(value, closed_form(D, z, -1, 1.5, -0.6), 1e-12);
    }
}

static void wrong_densities_are_refused(void **state)
{
    fixture *const f = *state;
    flo_density *d;
    const char *const bad[] = {"{kind: cauchy}",
                               "{}",
                               "[normal]",
                               "normal",
                               "{kind: normal, mean: 1}",
                               "{kind: correlated_normal, correlation: 1}",
                               "{kind: correlated_normal, deviation: 0}"};
    for (int i = 0; i < 7; i++) {
        flo_node *const root = parse(f, "{}");
        assert_int_equal(flo_node_set(f->arena, root, "base", bad[i], "a.yaml"),
                         FLO_OK);
        assert_int_equal(
            flo_density_create(f->arena, flo_node_find(root, "base"), 2, 0, &d),
            FLO_ERROR_CONFIG);
        assert_non_null(strstr(flo_context_message(f->context), "base"));
    }
    assert_int_equal(flo_density_create(f->arena, parse(f, "{kind: normal}"), 0, 0, &d),
                     FLO_ERROR_CONFIG);
    assert_non_null(strstr(flo_context_message(f->context), "knows its dimension"));
    assert_int_equal(flo_density_create(f->arena,
                                        parse(f, "{kind: correlated_normal, "
                                                 "features: 6}"),
                                        0, 0, &d),
                     FLO_OK);
    assert_int_equal(d->features, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_kind_has_a_row_in_the_table),
        FIXTURE_TEST(it_integrates_to_its_evidence),
        FIXTURE_TEST(backward_is_the_gradient),
        FIXTURE_TEST(log_prob_adds),
        FIXTURE_TEST(samples_agree_with_log_prob),
        FIXTURE_TEST(sample_moments_are_those_of_the_settings),
        FIXTURE_TEST(log_prob_is_the_closed_form),
        FIXTURE_TEST(wrong_densities_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
