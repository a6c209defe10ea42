/* Mixtures of normals: against sums written out, and the choice of components. */
#include "densities/mixture_normals.h"

#include "linalg/numbers.h"

enum { K = 3, N = 2, VALUES = K * (1 + 2 * N), PREPARED = K * (2 + N) };

static const flo_normals mixture = {.components = K, .features = N, .scale_limit = 2};

static double clamped(flo_real a)
{
    return (double)a / (1 + fabs((double)a) / 2);
}

static double weight(const flo_real *values, int k)
{
    double sum = 0;
    for (int i = 0; i < K; i++)
        sum += exp((double)values[i]);
    return exp((double)values[k]) / sum;
}

static double written_out(const flo_real *values, const flo_real *z)
{
    double density = 0;
    for (int k = 0; k < K; k++) {
        double one = weight(values, k);
        for (int j = 0; j < N; j++) {
            const double sigma = exp(clamped(values[K + K * N + k * N + j]));
            const double u = ((double)z[j] - (double)values[K + k * N + j]) / sigma;
            one *= exp(-0.5 * u * u) / (sigma * sqrt(2 * acos(-1)));
        }
        density += one;
    }
    return log(density);
}

static void log_prob_is_the_sum_written_out(void **state)
{
    (void)state;
    assert_int_equal(flo_normals_values(&mixture), VALUES);
    assert_int_equal(flo_normals_prepared(&mixture), PREPARED);
    flo_real values[5 * VALUES], prepared[5 * PREPARED], z[5 * N], share[K];
    draw_normals(1, 1, 5 * VALUES, values);
    draw_normals(2, 1.5, 5 * N, z);
    flo_normals_prepare(&mixture, 5, values, prepared);
    for (int i = 0; i < 5; i++) {
        const double found = flo_normals_log_prob(
            &mixture, values + i * VALUES, prepared + i * PREPARED, z + i * N, share);
        assert_near(found, written_out(values + i * VALUES, z + i * N),
                    0.1 * near_enough);
        assert_near(share[0] + share[1] + share[2], 1, near_enough);
    }
}

/* Far from all components the nearest decides: nothing underflows to log 0. */
static void far_rows_have_finite_densities(void **state)
{
    (void)state;
    const flo_real values[VALUES] = {0, 0, 0, -1, -1, 0, 0, 1, 1};
    const flo_real z[N] = {1e6f, 1e6f};
    flo_real prepared[PREPARED], share[K];
    flo_normals_prepare(&mixture, 1, values, prepared);
    const double found = flo_normals_log_prob(&mixture, values, prepared, z, share);
    assert_near(found, -1e12 + 2e6, 1e-6);
    assert_near(share[2], 1, 0);
}

/* As far out as a number goes: finite in float, and in double no worse than zero. */
static void no_finite_row_is_without_a_density(void **state)
{
    (void)state;
    const flo_real values[VALUES] = {0, 0, 0, -1, -1, 0, 0, 1, 1};
    static const double far[] = {1e19, -1e19, 1e20, 1e30, -1e38, 3e38, 1e155, -1.7e308};
    flo_real prepared[PREPARED], share[K];
    flo_normals_prepare(&mixture, 1, values, prepared);
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        const flo_real z[N] = {(flo_real)far[i], 2};
        if (!isfinite(z[0]))
            continue;
        const double found = flo_normals_log_prob(&mixture, values, prepared, z, share);
        if (fabs(far[i]) < 1e150)
            assert_near(found / (-0.5 * far[i] * far[i]), 1, 1e-5);
        else
            assert_true(found == -(double)INFINITY);
        assert_near(share[0] + share[1] + share[2], 1, near_enough);
    }
    const flo_real z[N] = {1e30f, (flo_real)NAN};
    assert_true(isnan(flo_normals_log_prob(&mixture, values, prepared, z, share)));
}

/* The uniform falls into an interval as long as the weight. */
static void components_come_by_their_weights(void **state)
{
    (void)state;
    flo_real values[VALUES] = {0}, prepared[PREPARED], z[N], normals[N] = {0};
    const double log_weight[K] = {log(0.5), log(0.125), log(0.375)};
    for (int k = 0; k < K; k++) {
        values[k] = (flo_real)(log_weight[k] + 4);
        values[K + k * N] = values[K + k * N + 1] = (flo_real)k;
    }
    flo_normals_prepare(&mixture, 1, values, prepared);
    const struct {
        double uniform;
        int component;
    } cases[] = {{1e-7, 0},  {0.499, 0}, {0.501, 1},      {0.624, 1},
                 {0.626, 2}, {0.999, 2}, {1 - 0x1p-24, 2}};
    for (int i = 0; i < 7; i++) {
        flo_normals_sample(&mixture, values, prepared, (flo_real)cases[i].uniform,
                           normals, 1, z);
        assert_near(z[0], cases[i].component, 0);
        assert_near(z[1], cases[i].component, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_prob_is_the_sum_written_out),
        cmocka_unit_test(far_rows_have_finite_densities),
        cmocka_unit_test(no_finite_row_is_without_a_density),
        cmocka_unit_test(components_come_by_their_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
