/* planar: the formula of the paper, invertible whatever the parameters, an inverse that
   says when it has none. */
#include "bijections/layer.h"

enum { D = 5, B = 6 };

static const flo_place place = {.index = 2, .seed = 1};

/* u^ [D] by the header's words; returns s. */
static double bend(const flo_real *theta, double *bent)
{
    const double m = 1e-3, c = log(expm1(1 - m));
    double wu = 0, ww = 0;
    for (int j = 0; j < D; j++) {
        wu += (double)theta[j] * (double)theta[D + j];
        ww += (double)theta[j] * (double)theta[j];
    }
    const double s = log1p(exp(wu + c)) + m;
    for (int j = 0; j < D; j++)
        bent[j] = (double)theta[D + j] + (s - 1 - wu) / ww * (double)theta[j];
    return s;
}

static void it_is_the_formula(void **state)
{
    layer l;
    layer_create(*state, "{kind: planar}", place, B, D, 0, &l);
    double bent[D];
    const double s = bend(l.theta, bent);
    layer_forward(&l);
    for (int i = 0; i < B; i++) {
        double a = (double)l.theta[2 * D];
        for (int j = 0; j < D; j++)
            a += (double)l.theta[j] * (double)l.x[i * D + j];
        for (int j = 0; j < D; j++)
            assert_near(l.z[i * D + j], (double)l.x[i * D + j] + bent[j] * tanh(a),
                        near_enough);
        assert_near(l.logdet[i], log(1 + (s - 1) * (1 - pow(tanh(a), 2))), near_enough);
    }
}

/* Rows along w, across the fold and far away, come back; also where the map has almost
   folded: u far against w. */
static void it_stays_invertible_whatever_the_parameters(void **state)
{
    const double sizes[] = {-1e4, -30, -1, 0, 1, 30};
    for (int k = 0; k < 6; k++) {
        layer l;
        layer_create(*state, "{kind: planar}", place, B, D, 0, &l);
        for (int j = 0; j < D; j++)
            l.theta[D + j] = (flo_real)sizes[k] * l.theta[j] + (flo_real)0.1;
        for (int i = 0; i < B * D; i++)
            l.x[i] *= (flo_real)(i / D == 0 ? 1e6 : i / D);
        flo_real x[B * D];
        layer_zero_gradients(&l);
        layer_forward(&l);
        layer_backward(&l);
        assert_all_finite("dtheta", l.P, l.dtheta);
        for (int i = 0; i < B; i++)
            assert_true(isfinite(l.logdet[i]) && l.logdet[i] > log(1e-3) - 1e-3);
        layer_inverse(&l, x);
        assert_all_near("x", B * D, x, l.x, sizeof(flo_real) == 8 ? 1e-10 : 0.02);
    }
}

/* Without a direction there is nothing to bend: a shift, and finite gradients. */
static void without_a_direction_it_shifts(void **state)
{
    layer l;
    layer_create(*state, "{kind: planar}", place, B, D, 0, &l);
    fill_reals(D, 0, l.theta);
    layer_zero_gradients(&l);
    layer_forward(&l);
    for (int i = 0; i < B * D; i++)
        assert_near(l.z[i],
                    (double)l.x[i] +
                        (double)l.theta[D + i % D] * tanh((double)l.theta[2 * D]),
                    near_enough);
    layer_backward(&l);
    assert_all_finite("dtheta", l.P, l.dtheta);
    assert_all_finite("dx", B * D, l.dx);
}

/* At the start u, and so the whole layer, has a gradient, and layers differ. */
static void it_starts_with_a_gradient(void **state)
{
    layer l;
    layer_create(*state, "{kind: planar}", place, B, D, 0, &l);
    flo_random_key key = {1, FLO_RANDOM_PARAMETERS, 2, 0};
    l.b->kind->init(l.b, key, l.theta);
    layer_zero_gradients(&l);
    layer_forward(&l);
    layer_backward(&l);
    for (int j = 0; j < D; j++)
        assert_true(fabs((double)l.dtheta[D + j]) > 1e-3);
    flo_real *const other = layer_reals(*state, l.P);
    key.a = 3;
    l.b->kind->init(l.b, key, other);
    assert_true(other[0] != l.theta[0]);
}

static void a_row_without_an_inverse_says_so(void **state)
{
    layer l;
    layer_create(*state, "{kind: planar}", place, B, D, 0, &l);
    layer_forward(&l);
    l.z[0] = (flo_real)INFINITY;
    l.z[D] = (flo_real)NAN;
    flo_real x[B * D];
    layer_inverse(&l, x);
    for (int i = 0; i < B; i++)
        assert_true(isnan(l.logdet[i]) == (i < 2));
    assert_all_near("x", (B - 2) * D, x + 2 * D, l.x + 2 * D, 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(it_is_the_formula),
        FIXTURE_TEST(it_stays_invertible_whatever_the_parameters),
        FIXTURE_TEST(without_a_direction_it_shifts),
        FIXTURE_TEST(it_starts_with_a_gradient),
        FIXTURE_TEST(a_row_without_an_inverse_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
