/* Elementwise maps against closed forms in libm, at the ends of their domains, and in
   pairs that undo each other. */
#include "bijections/layer.h"

static layer made(fixture *f, const char *yaml, int64_t D)
{
    layer l;
    layer_create(f, yaml, (flo_place){.seed = 1}, 1, D, 0, &l);
    return l;
}

/* z and logdet of one number. */
static double map_one(layer *l, double x)
{
    l->x[0] = (flo_real)x;
    layer_forward(l);
    return (double)l->z[0];
}

static double undo_one(layer *l, double z)
{
    flo_real x;
    l->z[0] = (flo_real)z;
    l->logdet[0] = 0;
    layer_inverse(l, &x);
    return (double)x;
}

static void values_are_those_of_libm(void **state)
{
    layer rectifier = made(*state, "{kind: leaky_relu, slope: 0.25}", 1);
    layer squeeze = made(*state, "{kind: tanh, bound: 2}", 1);
    layer sigmoid = made(*state, "{kind: sigmoid}", 1);
    layer logit = made(*state, "{kind: logit, alpha: 0.05}", 1);
    layer softplus = made(*state, "{kind: softplus}", 1);
    layer inverse = made(*state, "{kind: inverse_softplus}", 1);
    layer plain = made(*state, "{kind: log}", 1);
    layer counts = made(*state, "{kind: log, offset: 0.5}", 1);
    layer both = made(*state, "{kind: signed_log, scale: 0.3}", 1);
    for (int i = 0; i <= 80; i++) {
        const double x = (double)(flo_real)(-4.03 + 0.1 * i), u = (i + 0.5) / 81;
        const double share = (double)(flo_real)u, p = 0.05 + 0.9 * share;
        const double t = tanh(2), slope = 1 - t * t;
        assert_near(map_one(&rectifier, x), x < 0 ? x / 4 : x, near_enough);
        assert_near(rectifier.logdet[0], x < 0 ? log(0.25) : 0, near_enough);
        assert_near(map_one(&squeeze, x),
                    fabs(x) < 2 ? tanh(x) : copysign(t + slope * (fabs(x) - 2), x),
                    near_enough);
        assert_near(squeeze.logdet[0], log(fabs(x) < 2 ? 1 - tanh(x) * tanh(x) : slope),
                    near_enough);
        assert_near(map_one(&sigmoid, x), 1 / (1 + exp(-x)), near_enough);
        assert_near(sigmoid.logdet[0], -x - 2 * log1p(exp(-x)), near_enough);
        assert_near(map_one(&logit, share), log(p / (1 - p)), near_enough);
        assert_near(logit.logdet[0], log(0.9 / p / (1 - p)), near_enough);
        assert_near(map_one(&softplus, x), log1p(exp(x)), near_enough);
        assert_near(softplus.logdet[0], -log1p(exp(-x)), near_enough);
        assert_near(map_one(&inverse, share), log(expm1(share)), near_enough);
        assert_near(inverse.logdet[0], -log(-expm1(-share)), near_enough);
        assert_near(map_one(&plain, share), log(share), near_enough);
        assert_near(plain.logdet[0], -log(share), near_enough);
        assert_near(map_one(&counts, share - 0.4), log(share + 0.1), near_enough);
        assert_near(counts.logdet[0], -log(share + 0.1), near_enough);
        assert_near(map_one(&both, x), copysign(log1p(fabs(x) / 0.3), x), near_enough);
        assert_near(both.logdet[0], -log(0.3 + fabs(x)), near_enough);
    }
}

static void alpha_keeps_the_ends_finite(void **state)
{
    layer open = made(*state, "{kind: logit, alpha: 0}", 1);
    layer closed = made(*state, "{kind: logit}", 1);
    for (int end = 0; end < 2; end++) {
        const double wanted = (end ? 1 : -1) * log((1 - 1e-6) / 1e-6);
        assert_near(map_one(&closed, end), wanted, near_enough);
        assert_near(closed.logdet[0], log((1 - 2e-6) / 1e-6 / (1 - 1e-6)), near_enough);
        assert_true(isinf(map_one(&open, end)) && !isfinite(open.logdet[0]));
    }
    assert_true(isnan(map_one(&open, -1e-3)) && isnan(map_one(&open, 1.001)));
    assert_true(isnan(map_one(&closed, -1e-3)) && isnan(map_one(&closed, 1.001)));
}

/* 0 is what counts may be; below -offset there is nothing. */
static void logarithms_say_where_they_end(void **state)
{
    layer plain = made(*state, "{kind: log}", 1);
    layer counts = made(*state, "{kind: log, offset: 2}", 1);
    assert_true(isinf(map_one(&plain, 0)) && isnan(map_one(&plain, -1)));
    assert_near(map_one(&counts, 0), log(2), near_enough);
    assert_true(isinf(map_one(&counts, -2)) && isnan(map_one(&counts, -3)));
}

/* An offset of 1 does not round small numbers away. */
static void logarithms_keep_the_digits_of_small_numbers(void **state)
{
    layer counts = made(*state, "{kind: log, offset: 1}", 1);
    layer both = made(*state, "{kind: signed_log}", 1);
    for (double x = 1e-20; x < 1e-3; x *= 10) {
        assert_near(map_one(&counts, x) / log1p(x), 1, near_enough);
        assert_near(undo_one(&counts, log1p(x)) / x, 1, near_enough);
        assert_near(map_one(&both, -x) / log1p(x), -1, near_enough);
    }
}

/* Just below 1, where 1 - p cannot be had from a rounded p. */
static void a_logit_near_one_keeps_its_digits(void **state)
{
    layer l = made(*state, "{kind: logit}", 1);
    for (int k = 1; k < 40; k++) {
        const double x = 1 - k * ldexp(1, -23);
        const double q = 1e-6 + (1 - 2e-6) * (1 - x);
        assert_near(map_one(&l, x), log((1 - q) / q), 10 * near_enough / 100);
    }
}

static void inverses_of_saturated_numbers_come_back_into_the_domain(void **state)
{
    static const char *const alphas[] = {"{kind: logit, alpha: 0}", "{kind: logit}",
                                         "{kind: logit, alpha: 1e-12}",
                                         "{kind: logit, alpha: 0.3}"};
    for (int a = 0; a < 4; a++) {
        layer l = made(*state, alphas[a], 1);
        for (int i = -200; i <= 200; i++) {
            const double x = undo_one(&l, i), low = a ? -1.5 : 0;
            assert_true(isfinite(l.logdet[0]) && x > low && x < 1 - low);
            assert_true(isfinite(map_one(&l, x)) && isfinite(l.logdet[0]));
        }
    }
}

static void pairs_undo_each_other(void **state)
{
    static const char *const pairs[][2] = {
        {"{kind: sigmoid}", "{kind: logit, alpha: 0}"},
        {"{kind: softplus}", "{kind: inverse_softplus}"}};
    for (int i = 0; i < 2; i++) {
        layer there = made(*state, pairs[i][0], 1), back = made(*state, pairs[i][1], 1);
        assert_int_equal(there.b->kind->image, back.b->kind->domain);
        for (double x = -6; x < 6; x += 0.1) {
            const double y = map_one(&there, x);
            assert_near(map_one(&back, y), x, near_enough);
            assert_near(there.logdet[0] + back.logdet[0], 0, 2 * near_enough);
            assert_near(undo_one(&there, y), x, near_enough);
        }
    }
}

/* The tails of tanh go on where the curve ends, with its slope. */
static void the_tails_of_tanh_join_the_curve(void **state)
{
    static const char *const bounds[] = {"{kind: tanh, bound: 0.1}", "{kind: tanh}",
                                         "{kind: tanh, bound: 6}"};
    static const double ends[] = {0.1, 3, 6};
    for (int i = 0; i < 3; i++)
        for (int side = -1; side <= 1; side += 2) {
            layer l = made(*state, bounds[i], 1);
            const double below = map_one(&l, side * ends[i] * 0.99999);
            const double slope = l.logdet[0];
            assert_near(map_one(&l, side * ends[i] * 1.00001), below, 1e-5);
            assert_near(l.logdet[0], slope, 1e-3);
            assert_near(undo_one(&l, side * 2e5) / undo_one(&l, side * 1e5), 2, 1e-3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(values_are_those_of_libm),
        FIXTURE_TEST(alpha_keeps_the_ends_finite),
        FIXTURE_TEST(logarithms_say_where_they_end),
        FIXTURE_TEST(logarithms_keep_the_digits_of_small_numbers),
        FIXTURE_TEST(a_logit_near_one_keeps_its_digits),
        FIXTURE_TEST(inverses_of_saturated_numbers_come_back_into_the_domain),
        FIXTURE_TEST(pairs_undo_each_other),
        FIXTURE_TEST(the_tails_of_tanh_join_the_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
