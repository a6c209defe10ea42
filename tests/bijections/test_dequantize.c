/* dequantize: whole numbers come back from any noise, what is none shows, and the
   levels that data has are found. */
#include "bijections/layer.h"

#include "core/elementary.h"

enum { D = 2 };

static layer made(fixture *f, const char *yaml, int64_t B, int64_t columns)
{
    layer l;
    layer_create(f, yaml, (flo_place){0}, B, columns, 0, &l);
    return l;
}

/* The kernels on numbers and noise as they are. */
static void pass(layer *l, const flo_real *x, const flo_real *noise)
{
    memset(l->logdet, 0, (size_t)l->B * sizeof *l->logdet);
    l->pass.noise = noise;
    l->b->kind->forward(l->b, NULL, &l->pass, x, l->z, l->logdet);
}

/* Every level of 2 to 262,144 levels, with noise close to its ends and in between. */
static void whole_numbers_come_back_from_any_noise(void **state)
{
    static const int levels[] = {2,   3,    7,     10,    100,   255,
                                 256, 1000, 65536, 99999, 262144};
    static const double noises[] = {1e-30, 1e-9, 1e-7, 0.3, 0.5, 0.9999, 1 - 1e-7, 1};
    for (size_t k = 0; k < sizeof levels / sizeof *levels; k++) {
        char yaml[64];
        snprintf(yaml, sizeof yaml, "{kind: dequantize, levels: %d}", levels[k]);
        layer l = made(*state, yaml, 1, 1);
        const int step = levels[k] > 1000 ? 17 : 1;
        for (int level = 0; level < levels[k]; level += step)
            for (int n = 0; n < 8; n++) {
                const flo_real x = (flo_real)level;
                const double most = 1 - (double)FLO_EPSILON / 2;
                const flo_real u = (flo_real)fmin(noises[n], most);
                flo_real back;
                pass(&l, &x, &u);
                layer_inverse(&l, &back);
                if (back != x || !(l.z[0] > 0 && l.z[0] < 1))
                    fail_msg("%s: %d with noise %.17g became %.17g and came back as %g",
                             yaml, level, (double)u, (double)l.z[0], (double)back);
                assert_near(l.z[0], (level + (double)u) / levels[k], near_enough);
                assert_true(l.logdet[0] == 0);
            }
        pass(&l, &(flo_real){1}, &(flo_real){(flo_real)0.5});
        assert_near(l.logdet[0], -log(levels[k]), 1e-12);
    }
}

/* What is not whole, or outside, has no density; the other column is not harmed. */
static void other_numbers_give_nan(void **state)
{
    layer l = made(*state, "{kind: dequantize, levels: 10, low: -2}", 1, D);
    static const double bad[] = {0.5,
                                 -3,
                                 8,
                                 1e9,
                                 -1e9,
                                 7.0000005,
                                 (double)NAN,
                                 (double)INFINITY,
                                 -(double)INFINITY};
    const flo_real noise[D] = {(flo_real)0.25, (flo_real)0.75};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const flo_real x[D] = {(flo_real)bad[k], 7};
        pass(&l, x, noise);
        assert_true(isnan(l.z[0]));
        assert_near(l.z[1], 0.975, near_enough);
    }
    pass(&l, (const flo_real[]){-2, 7}, noise);
    assert_near(l.z[0], 0.025, near_enough);
    assert_near(l.logdet[0], -2 * log(10), 1e-12);
}

/* The inverse gives whole numbers of the levels whatever it is fed. */
static void the_inverse_stays_within_the_levels(void **state)
{
    layer l = made(*state, "{kind: dequantize, levels: 4, low: 5}", 1, 1);
    static const double z[] = {-1e9, -0.1, 0, 0.2499, 0.25, 0.9999, 1, 1.5, 1e9};
    static const double wanted[] = {5, 5, 5, 5, 6, 8, 8, 8, 8};
    for (size_t k = 0; k < sizeof z / sizeof *z; k++) {
        flo_real x;
        l.z[0] = (flo_real)z[k];
        layer_inverse(&l, &x);
        assert_true((double)x == wanted[k]);
    }
}

static flo_status fit(fixture *f, layer *l, double low, double high)
{
    const double lows[D] = {0, low}, highs[D] = {3, high}, some[D] = {1, 1};
    const flo_moments moments = {
        .mean = some, .deviation = some, .low = lows, .high = highs};
    return l->b->kind->fit(l->b, f->context, &l->place, &moments, l->constants);
}

/* Constants are low [D], levels [D]. */
static void levels_are_found_column_by_column(void **state)
{
    fixture *const f = *state;
    layer l = made(f, "{kind: dequantize}", 1, D);
    assert_true(l.b->fitted && l.b->dithers);
    assert_int_equal(fit(f, &l, -5, 12), FLO_OK);
    const double wanted[2 * D] = {0, -5, 4, 18};
    assert_memory_equal(l.constants, wanted, sizeof wanted);
    l = made(f, "{kind: dequantize, low: -7}", 1, D);
    assert_int_equal(fit(f, &l, -5, 12), FLO_OK);
    const double from_low[2 * D] = {-7, -7, 11, 20};
    assert_memory_equal(l.constants, from_low, sizeof from_low);
    l = made(f, "{kind: dequantize, levels: 256}", 1, D);
    assert_false(l.b->fitted);
    assert_int_equal(l.b->kind->fit(l.b, f->context, &l.place, NULL, l.constants),
                     FLO_OK);
    const double given[2 * D] = {0, 0, 256, 256};
    assert_memory_equal(l.constants, given, sizeof given);
}

static void data_that_has_no_levels_is_refused(void **state)
{
    static const struct {
        double low, high;
        const char *words;
    } bad[] = {
        {0.5, 3, "dequantize: column 1 reaches from 0.5 to 3, wanted whole numbers"},
        {0, 3.25, "column 1 reaches from 0 to 3.25"},
        {0, 1e17, "column 1 reaches from 0 to 1e+17, wanted at most"},
    };
    fixture *const f = *state;
    layer l = made(f, "{kind: dequantize}", 1, D);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(fit(f, &l, bad[k].low, bad[k].high), FLO_ERROR_DATA);
        if (!strstr(flo_context_message(f->context), bad[k].words))
            fail_msg("%s is not in: %s", bad[k].words, flo_context_message(f->context));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(whole_numbers_come_back_from_any_noise),
        FIXTURE_TEST(other_numbers_give_nan),
        FIXTURE_TEST(the_inverse_stays_within_the_levels),
        FIXTURE_TEST(levels_are_found_column_by_column),
        FIXTURE_TEST(data_that_has_no_levels_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
