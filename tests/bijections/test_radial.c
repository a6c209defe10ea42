/* radial: the formula of the paper, invertible whatever the parameters, its centre. */
#include "bijections/layer.h"

enum { D = 5, B = 6 };

static const flo_place place = {.index = 2, .seed = 1};

static double positive(flo_real d)
{
    const double m = 1e-3, c = log(expm1(1 - m));
    return log1p(exp((double)d + c)) + m;
}

static void it_is_the_formula(void **state)
{
    layer l;
    layer_create(*state, "{kind: radial}", place, B, D, 0, &l);
    const double alpha = positive(l.theta[D]);
    const double beta = alpha * (positive(l.theta[D + 1]) - 1);
    layer_forward(&l);
    for (int i = 0; i < B; i++) {
        double r = 0;
        for (int j = 0; j < D; j++)
            r += pow((double)l.x[i * D + j] - (double)l.theta[j], 2);
        r = sqrt(r);
        const double h = 1 / (alpha + r);
        for (int j = 0; j < D; j++) {
            const double x = (double)l.x[i * D + j], x0 = (double)l.theta[j];
            assert_near(l.z[i * D + j], x + beta * h * (x - x0), near_enough);
        }
        /* (1 + beta h)^(D - 1) (1 + beta h + beta h' r), h' = -h^2 */
        const double det = pow(1 + beta * h, D - 1) * (1 + beta * h - beta * h * h * r);
        assert_near(l.logdet[i], log(det), near_enough);
    }
}

static void it_stays_invertible_whatever_the_parameters(void **state)
{
    const double raw[] = {-1e4, -30, -1, 0, 1, 30};
    for (int k = 0; k < 36; k++) {
        layer l;
        layer_create(*state, "{kind: radial}", place, B, D, 0, &l);
        l.theta[D] = (flo_real)raw[k / 6];
        l.theta[D + 1] = (flo_real)raw[k % 6];
        for (int i = 0; i < B * D; i++)
            l.x[i] *= (flo_real)(i / D == 0 ? 1e6 : i / D);
        flo_real x[B * D];
        layer_zero_gradients(&l);
        layer_forward(&l);
        layer_backward(&l);
        assert_all_finite("dtheta", l.P, l.dtheta);
        assert_all_finite("dx", B * D, l.dx);
        layer_inverse(&l, x);
        assert_all_near("x", B * D, x, l.x, sizeof(flo_real) == 8 ? 1e-10 : 0.01);
        for (int i = 0; i < B; i++)
            assert_near(l.logdet[i], 0, sizeof(flo_real) == 8 ? 1e-8 : 0.1);
    }
}

/* The centre stays; there the map is a scaling by s in every direction. */
static void the_centre_stays(void **state)
{
    layer l;
    layer_create(*state, "{kind: radial}", place, 1, D, 0, &l);
    memcpy(l.x, l.theta, D * sizeof *l.x);
    flo_real x[D];
    layer_zero_gradients(&l);
    layer_forward(&l);
    assert_all_near("z", D, l.z, l.theta, near_enough);
    const double s = positive(l.theta[D + 1]);
    assert_near(l.logdet[0], D * log(s), near_enough);
    layer_backward(&l);
    for (int j = 0; j < D; j++)
        assert_near(l.dx[j], s * (double)l.dz[j], near_enough);
    assert_all_finite("dtheta", l.P, l.dtheta);
    layer_inverse(&l, x);
    assert_all_near("x", D, x, l.x, near_enough);
}

/* Layers that all start around one point would all learn the same. */
static void layers_start_around_points_of_their_own(void **state)
{
    layer l;
    layer_create(*state, "{kind: radial}", place, B, D, 0, &l);
    flo_random_key key = {1, FLO_RANDOM_PARAMETERS, 2, 0};
    l.b->kind->init(l.b, key, l.theta);
    layer_zero_gradients(&l);
    layer_forward(&l);
    layer_backward(&l);
    assert_true(fabs((double)l.dtheta[D + 1]) > 1e-3);
    flo_real *const other = layer_reals(*state, l.P);
    key.a = 3;
    l.b->kind->init(l.b, key, other);
    assert_true(other[0] != l.theta[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(it_is_the_formula),
        FIXTURE_TEST(it_stays_invertible_whatever_the_parameters),
        FIXTURE_TEST(the_centre_stays),
        FIXTURE_TEST(layers_start_around_points_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
