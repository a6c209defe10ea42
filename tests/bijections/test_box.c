/* box: its formula close to the ends, ends found from data, and what it refuses. */
#include "bijections/layer.h"

enum { D = 2 };

static layer made(fixture *f, const char *yaml)
{
    layer l;
    layer_create(f, yaml, (flo_place){0}, 1, D, 0, &l);
    return l;
}

static flo_status fit(fixture *f, layer *l, double low, double high)
{
    const double lows[D] = {0, low}, highs[D] = {1, high}, some[D] = {1, 1};
    const flo_moments moments = {
        .mean = some, .deviation = some, .low = lows, .high = highs};
    FLO_TRY(l->b->kind->fit(l->b, f->context, &l->place, &moments, l->constants));
    return l->b->kind->prepare(l->b, f->context, l->constants);
}

/* Distances from both ends are formed from x, not from a share of the box. */
static void numbers_close_to_an_end_keep_their_digits(void **state)
{
    layer l = made(*state, "{kind: box, low: -3, high: 1021}");
    static const double numbers[] = {-2.99999, -2.9, 0, 500, 1020, 1020.9998};
    for (int k = 0; k < 6; k++)
        for (int64_t j = 0; j < D; j++) {
            const double x = (double)(flo_real)numbers[k];
            fill_reals(D, 1, l.x);
            l.x[j] = (flo_real)numbers[k];
            layer_forward(&l);
            const double other = log(1024) - log(4) - log(1020);
            assert_near(l.z[j], log((x + 3) / (1021 - x)), near_enough / 10);
            assert_near(l.logdet[0], other + log(1024) - log(x + 3) - log(1021 - x),
                        near_enough);
        }
}

static void the_ends_themselves_have_no_density(void **state)
{
    layer l = made(*state, "{kind: box, low: 2, high: 4}");
    for (int end = 2; end <= 4; end += 2) {
        fill_reals(D, end, l.x);
        layer_forward(&l);
        assert_true(isinf(l.z[0]));
    }
}

/* Saturated numbers come back inside the box, where forward takes them. */
static void the_inverse_stays_inside(void **state)
{
    static const char *const boxes[] = {
        "{kind: box, low: 0, high: 1e6}", "{kind: box, low: -1e-3, high: 0}",
        "{kind: box, low: 1000, high: 1001}", "{kind: box, low: 0.1, high: 0.3}"};
    for (int k = 0; k < 4; k++) {
        layer l = made(*state, boxes[k]);
        for (int side = -1; side <= 1; side += 2) {
            fill_reals(D, side * 1e4, l.z);
            layer_inverse(&l, l.x);
            layer_forward(&l);
            assert_all_finite(boxes[k], D, l.z);
            assert_true(isfinite(l.logdet[0]));
        }
    }
}

/* Constants are low [D], high [D]. */
static void ends_are_found_from_the_data(void **state)
{
    fixture *const f = *state;
    layer l = made(f, "{kind: box, margin: 0.25}");
    assert_true(l.b->fitted);
    assert_int_equal(fit(f, &l, 2, 10), FLO_OK);
    const double both[2 * D] = {-0.25, 0, 1.25, 12};
    assert_memory_equal(l.constants, both, sizeof both);
    l = made(f, "{kind: box, margin: 0.25, low: -9}");
    assert_int_equal(fit(f, &l, 2, 10), FLO_OK);
    const double high[2 * D] = {-9, -9, 1.25, 12};
    assert_memory_equal(l.constants, high, sizeof high);
    l = made(f, "{kind: box, low: -9, high: 8}");
    assert_false(l.b->fitted);
    const double given[2 * D] = {-9, -9, 8, 8};
    assert_memory_equal(l.constants, given, sizeof given);
}

static void columns_without_a_box_are_refused(void **state)
{
    static const struct {
        const char *yaml;
        double low, high;
        const char *words;
    } bad[] = {
        {"{kind: box}", 5, 5, "box: column 1 reaches from 5 to 5"},
        {"{kind: box, low: -3.5}", -20, -10, "its box would be from -3.5 to -9"},
        {"{kind: box}", -1e308, 1e308, "finite size"},
    };
    fixture *const f = *state;
    for (int k = 0; k < 3; k++) {
        layer l = made(f, bad[k].yaml);
        assert_int_equal(fit(f, &l, bad[k].low, bad[k].high), FLO_ERROR_DATA);
        if (!strstr(flo_context_message(f->context), bad[k].words))
            fail_msg("%s: %s", bad[k].yaml, flo_context_message(f->context));
    }
    flo_bijection *b;
    assert_int_equal(flo_bijection_create(f->arena,
                                          parse(f, "{kind: box, low: 2, high: 2}"), D,
                                          0, &(flo_place){0}, &b),
                     FLO_ERROR_CONFIG);
    assert_non_null(strstr(flo_context_message(f->context), "above low, 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(numbers_close_to_an_end_keep_their_digits),
        FIXTURE_TEST(the_ends_themselves_have_no_density),
        FIXTURE_TEST(the_inverse_stays_inside),
        FIXTURE_TEST(ends_are_found_from_the_data),
        FIXTURE_TEST(columns_without_a_box_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
