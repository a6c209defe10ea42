/* Activations against their formulas, their derivatives, and bad or extreme values. */
#include "nn/activation.h"

#include "linalg/numbers.h"

enum { KINDS = 3, N = 101 };

static double formula(int kind, double p)
{
    const double values[KINDS] = {p > 0 ? p : 0, tanh(p), p / (1 + exp(-p))};
    return values[kind];
}

static double slope(int kind, double p)
{
    const double s = 1 / (1 + exp(-p)), t = tanh(p);
    const double values[KINDS] = {p > 0 ? 1 : 0, 1 - t * t, s + p * s * (1 - s)};
    return values[kind];
}

/* -6 .. 6 without 0, where relu has no derivative. */
static void fill_grid(flo_real *p)
{
    for (int64_t i = 0; i < N; i++)
        p[i] = (flo_real)(-6 + 12 * ((double)i + 0.25) / N);
}

static void the_table_has_the_order_of_the_choices(void **state)
{
    (void)state;
    char names[64] = "";
    for (int kind = 0; kind < KINDS; kind++) {
        strcat(names, kind ? "|" : "");
        strcat(names, flo_activation_at(kind)->name);
    }
    assert_string_equal(names, FLO_ACTIVATION_CHOICES);
}

static void forward_is_the_formula(void **state)
{
    (void)state;
    flo_real p[N], h[N];
    fill_grid(p);
    for (int kind = 0; kind < KINDS; kind++) {
        const flo_activation *const a = flo_activation_at(kind);
        a->forward(N, p, h);
        for (int64_t i = 0; i < N; i++)
            assert_near(h[i], formula(kind, (double)p[i]), near_enough);
        if (a->keeps_input)
            continue;
        a->forward(N, p, p); /* in place */
        assert_same_bits(a->name, sizeof p, p, h);
        fill_grid(p);
    }
}

static void backward_is_the_derivative(void **state)
{
    (void)state;
    flo_real p[N], h[N], dh[N], dp[N];
    draw_normals(1, 1, N, dh);
    for (int kind = 0; kind < KINDS; kind++) {
        const flo_activation *const a = flo_activation_at(kind);
        fill_grid(p);
        a->forward(N, p, h);
        a->backward(N, a->keeps_input ? p : NULL, h, dh, dp);
        for (int64_t i = 0; i < N; i++) {
            const double wanted = (double)dh[i] * slope(kind, (double)p[i]);
            assert_near(dp[i], wanted, near_enough);
        }
        flo_real in_place[N];
        memcpy(in_place, dh, sizeof dh);
        a->backward(N, a->keeps_input ? p : NULL, h, in_place, in_place);
        assert_same_bits(a->name, sizeof dp, in_place, dp);
    }
}

/* A bad value must reach the log-likelihood; a large one must not become a bad one. */
static void nan_passes_and_large_values_stay_finite(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        const flo_activation *const a = flo_activation_at(kind);
        flo_real p[4] = {(flo_real)NAN, (flo_real)1e6, (flo_real)-1e6, 0}, h[4];
        flo_real dh[4] = {1, 1, 1, 1}, dp[4];
        a->forward(4, p, h);
        a->backward(4, p, h, dh, dp);
        assert_true(isnan(h[0]));
        assert_all_finite(a->name, 3, h + 1);
        assert_all_finite(a->name, 3, dp + 1);
        assert_true(h[3] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_the_order_of_the_choices),
        cmocka_unit_test(forward_is_the_formula),
        cmocka_unit_test(backward_is_the_derivative),
        cmocka_unit_test(nan_passes_and_large_values_stay_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
