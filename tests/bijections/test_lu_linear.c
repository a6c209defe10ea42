/* lu_linear against its matrix written out. */
#include "bijections/layer.h"

static const flo_place place = {.seed = 1};

/* W = L S U [D, D] by the header's words: L below, U above, d on the diagonal of the
   factors, S = softplus(d + c) + m, 1 at d = 0. */
static void matrix(int64_t D, const flo_real *factors, double *W)
{
    const double m = 1e-3, c = log(expm1(1 - m));
    memset(W, 0, (size_t)(D * D) * sizeof *W);
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++)
            for (int64_t k = 0; k <= i && k <= j; k++) {
                const double S = log1p(exp((double)factors[k * D + k] + c)) + m;
                const double L = i == k ? 1 : (double)factors[i * D + k];
                const double U = j == k ? 1 : (double)factors[k * D + j];
                W[i * D + j] += L * S * U;
            }
}

static void it_is_the_product_with_its_matrix(void **state)
{
    const int64_t sizes[] = {1, 2, 5, 17};
    for (int s = 0; s < 4; s++) {
        layer l;
        const int64_t D = sizes[s], B = 4;
        layer_create(*state, "{kind: lu_linear}", place, B, D, 0, &l);
        const flo_real *const bias = l.theta + D * D;
        double *const W = layer_doubles(*state, D * D);
        matrix(D, l.theta, W);
        layer_forward(&l);
        for (int64_t i = 0; i < B; i++)
            for (int64_t j = 0; j < D; j++) {
                double sum = (double)bias[j];
                for (int64_t k = 0; k < D; k++)
                    sum += W[j * D + k] * (double)l.x[i * D + k];
                assert_near(l.z[i * D + j], sum, near_enough);
            }
        int sign;
        const double wanted = log_determinant(D, W, &sign);
        assert_int_equal(sign, 1);
        for (int64_t i = 0; i < B; i++)
            assert_near(l.logdet[i], wanted, near_enough);
    }
}

static void it_stays_invertible_whatever_the_diagonal(void **state)
{
    enum { D = 3, B = 2 };
    const double diagonals[] = {-1e4, -50, 50};
    for (int d = 0; d < 3; d++) {
        layer l;
        layer_create(*state, "{kind: lu_linear}", place, B, D, 0, &l);
        for (int64_t j = 0; j < D; j++)
            l.theta[j * D + j] = (flo_real)diagonals[d];
        flo_real x[B * D];
        layer_zero_gradients(&l);
        layer_forward(&l);
        const double smallest = D * log(1e-3);
        assert_true(isfinite(l.logdet[0]) && l.logdet[0] > smallest - 1e-3);
        layer_inverse(&l, x);
        assert_all_near("x", B * D, x, l.x, 0.01);
        layer_backward(&l);
        assert_all_finite("dtheta", l.P, l.dtheta);
    }
}

static void its_tensors_are_named_and_do_not_decay(void **state)
{
    layer l;
    layer_create(*state, "{kind: lu_linear}", place, 1, 4, 0, &l);
    const flo_layout *const p = &l.b->parameters;
    assert_int_equal(p->count, 2);
    assert_string_equal(p->tensors[0].name, "factors");
    assert_string_equal(p->tensors[1].name, "bias");
    assert_int_equal(p->size, 4 * 4 + 4);
    assert_false(p->tensors[0].decay); /* decay would pull the map off the identity */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(it_is_the_product_with_its_matrix),
        FIXTURE_TEST(it_stays_invertible_whatever_the_diagonal),
        FIXTURE_TEST(its_tensors_are_named_and_do_not_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
