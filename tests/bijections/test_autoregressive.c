/* Autoregressive kinds: column j depends on columns 0 .. j, and what their settings
   mean. The laws of every bijection are in test_conformance.c. */
#include "bijections/layer.h"

enum { B = 6 };

static const char *const kinds[] = {"{kind: affine_autoregressive, hidden: [9, 70]}",
                                    "{kind: affine_autoregressive, width: 9}",
                                    "{kind: spline_autoregressive, hidden: [9, 70]}",
                                    "{kind: spline_autoregressive, width: 9}"};
enum { KINDS = sizeof kinds / sizeof *kinds, D = 7 };

static const flo_place place = {.index = 2, .seed = 3};

/* Whether column j of any row differs. */
static bool differs(const flo_real *a, const flo_real *b, int64_t j)
{
    for (int64_t i = 0; i < B; i++)
        if (a[i * D + j] != b[i * D + j])
            return true;
    return false;
}

static void the_jacobian_is_triangular_both_ways(void **state)
{
    for (int k = 0; k < KINDS; k++) {
        layer l;
        layer_create(*state, kinds[k], place, B, D, 0, &l);
        flo_real *const z = layer_reals(*state, B * D), *const x = l.x;
        flo_real *const back[2] = {layer_reals(*state, B * D),
                                   layer_reals(*state, B * D)};
        layer_forward(&l);
        memcpy(z, l.z, (size_t)(B * D) * sizeof *z);
        layer_inverse(&l, back[0]);
        for (int64_t column = 0; column < D; column++) {
            const flo_real old = x[column];
            x[column] += (flo_real)0.5;
            layer_forward(&l);
            for (int64_t j = 0; j < D; j++)
                assert_true(j < column ? !differs(l.z, z, j)
                                       : j > column || differs(l.z, z, j));
            x[column] = old;
            memcpy(l.z, z, (size_t)(B * D) * sizeof *z);
            l.z[column] += (flo_real)0.5;
            layer_inverse(&l, back[1]);
            for (int64_t j = 0; j < D; j++)
                assert_true(j < column ? !differs(back[1], back[0], j)
                                       : j > column || differs(back[1], back[0], j));
        }
    }
}

/* z = exp(s) x + t with the outputs of a network of biases alone: a and t of column j
   are parameters 2 j and 2 j + 1 of the last tensor. */
static void the_affine_kind_is_its_formula(void **state)
{
    layer l;
    layer_create(*state, "{kind: affine_autoregressive, hidden: 4, scale_limit: 3}",
                 place, B, D, 0, &l);
    const flo_layout *const p = &l.b->parameters;
    const flo_tensor *const bias = &p->tensors[p->count - 1];
    assert_string_equal(bias->name, "output/bias");
    fill_reals(l.P, 0, l.theta);
    draw_normals(6, 2, 2 * D, l.theta + bias->offset);
    layer_forward(&l);
    double logdet = 0;
    for (int64_t j = 0; j < D; j++) {
        const double a = (double)l.theta[bias->offset + 2 * j];
        const double t = (double)l.theta[bias->offset + 2 * j + 1];
        const double s = a / (1 + fabs(a) / 3);
        logdet += s;
        for (int64_t i = 0; i < B; i++)
            assert_near(l.z[i * D + j], exp(s) * (double)l.x[i * D + j] + t,
                        near_enough);
    }
    for (int64_t i = 0; i < B; i++)
        assert_near(l.logdet[i], logdet, near_enough);
}

/* Ordinary rows come back under the widest limit too. */
static void rows_come_back_under_a_wide_limit(void **state)
{
    layer l;
    layer_create(*state, "{kind: affine_autoregressive, width: 8, scale_limit: 20}",
                 place, B, D, 2, &l);
    layer_forward(&l);
    flo_real *const x = layer_reals(*state, B * D);
    layer_inverse(&l, x);
    assert_all_near("x", B * D, x, l.x, 100 * near_enough);
}

static void settings_that_make_no_network_are_refused(void **state)
{
    fixture *const f = *state;
    static const char *const wrong[][2] = {
        {"{kind: affine_autoregressive}", "either hidden: [256, 256]"},
        {"{kind: affine_autoregressive, hidden: 8, width: 8}", "either hidden"},
        {"{kind: affine_autoregressive, hidden: 8, scale_limit: 0}", "scale_limit"},
        {"{kind: spline_autoregressive, hidden: 8, bins: 1}", "bins"},
        {"{kind: spline_autoregressive, hidden: 8, mask: half}", "mask"}};
    for (int i = 0; i < 5; i++) {
        flo_bijection *b;
        assert_int_equal(
            flo_bijection_create(f->arena, parse(f, wrong[i][0]), D, 0, &place, &b),
            FLO_ERROR_CONFIG);
        assert_non_null(strstr(flo_context_message(f->context), wrong[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_jacobian_is_triangular_both_ways),
        FIXTURE_TEST(the_affine_kind_is_its_formula),
        FIXTURE_TEST(rows_come_back_under_a_wide_limit),
        FIXTURE_TEST(settings_that_make_no_network_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
