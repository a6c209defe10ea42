/* What all couplings share: which columns pass, what the others see, and errors. */
#include "bijections/layer.h"

#include <stdio.h>

enum { D = 5, B = 3 };

static const char *const kinds[] = {"additive_coupling", "affine_coupling"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void create(fixture *f, const char *kind, const char *mask, int64_t index,
                   int64_t occurrence, uint64_t seed, layer *l)
{
    char yaml[128];
    snprintf(yaml, sizeof yaml, "{kind: %s, mask: %s, hidden: 6, activation: tanh}",
             kind, mask);
    const flo_place place = {.index = index, .occurrence = occurrence, .seed = seed};
    layer_create(f, yaml, place, B, D, 0, l);
}

static void masks_swap_from_one_coupling_to_the_next(void **state)
{
    static const struct {
        const char *mask;
        double wanted[2][D]; /* by occurrence */
    } masks[] = {{"alternating", {{1, 0, 1, 0, 1}, {0, 1, 0, 1, 0}}},
                 {"half", {{1, 1, 0, 0, 0}, {0, 0, 1, 1, 1}}}};
    for (int k = 0; k < KINDS; k++)
        for (int m = 0; m < 2; m++)
            for (int64_t occurrence = 0; occurrence < 4; occurrence++) {
                layer l;
                create(*state, kinds[k], masks[m].mask, 9 - occurrence, occurrence, 1,
                       &l);
                assert_int_equal(l.b->constants.size, D);
                assert_string_equal(l.b->constants.tensors[0].name, "mask");
                for (int64_t j = 0; j < D; j++)
                    assert_true(l.constants[j] == masks[m].wanted[occurrence % 2][j]);
            }
}

static void a_random_mask_is_drawn_by_seed_and_layer(void **state)
{
    double ones[D] = {0};
    int different = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        layer a, b, other;
        create(*state, kinds[0], "random", 2, 0, seed, &a);
        create(*state, kinds[0], "random", 2, 1, seed, &b);
        create(*state, kinds[0], "random", 3, 0, seed, &other);
        double total = 0;
        bool same = true;
        for (int64_t j = 0; j < D; j++) {
            assert_true(a.constants[j] == b.constants[j]);
            same &= a.constants[j] == other.constants[j];
            total += a.constants[j];
            ones[j] += a.constants[j];
        }
        assert_true(total == D / 2);
        different += !same;
    }
    assert_true(different > 20);
    for (int64_t j = 0; j < D; j++)
        assert_true(ones[j] > 4 && ones[j] < 36);
}

/* Columns of the mask keep their bits; the others change, each with itself and the
   masked ones, with no other. */
static void masked_columns_pass_and_the_others_see_only_them(void **state)
{
    static const char *const masks[] = {"alternating", "half", "random"};
    for (int c = 0; c < KINDS * 3 * 2; c++) {
        layer l;
        create(*state, kinds[c % KINDS], masks[c / KINDS % 3], 1, c / KINDS / 3, 1, &l);
        flo_real *const z = layer_reals(*state, B * D);
        layer_forward(&l);
        memcpy(z, l.z, B * D * sizeof *z);
        for (int64_t i = 0; i < B * D; i++)
            assert_true((l.z[i] == l.x[i]) == (l.constants[i % D] == 1));
        for (int64_t j = 0; j < D; j++) {
            flo_real before[B];
            for (int64_t i = 0; i < B; i++) {
                before[i] = l.x[i * D + j];
                l.x[i * D + j] += 1;
            }
            layer_forward(&l);
            for (int64_t i = 0; i < B; i++)
                l.x[i * D + j] = before[i];
            for (int64_t i = 0; i < B * D; i++) {
                const bool reaches =
                    i % D == j || (l.constants[j] == 1 && l.constants[i % D] == 0);
                assert_true((l.z[i] != z[i]) == reaches);
            }
        }
    }
}

static void one_column_is_refused(void **state)
{
    fixture *const f = *state;
    const flo_place place = {0};
    flo_bijection *b;
    for (int k = 0; k < KINDS; k++) {
        char yaml[64];
        snprintf(yaml, sizeof yaml, "{kind: %s, hidden: 4}", kinds[k]);
        assert_int_equal(
            flo_bijection_create(f->arena, parse(f, yaml), 1, 0, &place, &b),
            FLO_ERROR_CONFIG);
        const char *const message = flo_context_message(f->context);
        assert_non_null(strstr(message, "a.yaml:1"));
        assert_non_null(strstr(message, "at least 2 columns"));
        assert_non_null(strstr(message, kinds[k]));
        assert_non_null(strstr(message, "elementwise_affine"));
    }
}

static void a_mask_of_another_layer_is_refused(void **state)
{
    fixture *const f = *state;
    layer l;
    create(f, "affine_coupling", "alternating", 0, 0, 1, &l);
    const double other[D] = {0, 1, 0, 1, 0};
    assert_message(f, FLO_ERROR_FILE, l.b->kind->prepare(l.b, f->context, other),
                   "affine_coupling: stored mask has 2 columns that pass unchanged, "
                   "wanted 3");
}

/* z_b - x_b is the same for every x_b, and volume is kept exactly. */
static void additive_coupling_shifts(void **state)
{
    layer l;
    create(*state, "additive_coupling", "alternating", 0, 0, 1, &l);
    layer_forward(&l);
    flo_real *const shift = layer_reals(*state, B * D);
    for (int64_t i = 0; i < B * D; i++)
        shift[i] = l.z[i] - l.x[i];
    for (int64_t i = 0; i < B * D; i++)
        l.x[i] += l.constants[i % D] == 0 ? 2 : 0;
    layer_forward(&l);
    for (int64_t i = 0; i < B * D; i++)
        assert_near(l.z[i] - l.x[i], shift[i], near_enough);
    layer_inverse(&l, l.dx);
    for (int64_t i = 0; i < B; i++)
        assert_true(l.logdet[i] == 0);
}

/* The log-scale of a column stays within the limit, however large the network's
   answer; dz/dx of a changed column is its scale, and logdet the sum of their logs. */
static void affine_coupling_scales_within_its_limit(void **state)
{
    const double limits[] = {0.5, 2};
    for (int k = 0; k < 2; k++) {
        char yaml[128];
        snprintf(yaml, sizeof yaml,
                 "{kind: affine_coupling, hidden: 6, scale_limit: %g}", limits[k]);
        layer l;
        layer_create(*state, yaml, (flo_place){0}, B, D, 0, &l);
        for (int64_t i = 0; i < l.P; i++)
            l.theta[i] *= 30;
        flo_real *const z = layer_reals(*state, B * D);
        layer_forward(&l);
        memcpy(z, l.z, B * D * sizeof *z);
        for (int64_t i = 0; i < B * D; i++)
            l.x[i] += l.constants[i % D] == 0 ? 1 : 0;
        layer_forward(&l);
        double largest = 0;
        for (int64_t i = 0; i < B; i++) {
            double sum = 0;
            for (int64_t j = 0; j < D; j++)
                if (l.constants[j] == 0) {
                    const double scale = (double)l.z[i * D + j] - (double)z[i * D + j];
                    largest = fmax(largest, fabs(log(scale)));
                    sum += log(scale);
                }
            assert_near(l.logdet[i], sum, 100 * near_enough);
        }
        assert_true(largest < limits[k] && largest > 0.9 * limits[k]);
    }
}

/* On the torus nothing changes when an angle makes a turn: density and changed columns
   are the same, and the others turn with it. */
static void turns_of_angles_do_not_matter(void **state)
{
    layer l, turned;
    static const char yaml[] =
        "{kind: spline_coupling, mask: half, hidden: 6, bins: 4, "
        "period: 6, tail_bound: 3, tails: circular}";
    layer_create(*state, yaml, (flo_place){.seed = 1}, B, D, 0, &l);
    layer_create(*state, yaml, (flo_place){.seed = 1}, B, D, 0, &turned);
    for (int i = 0; i < B * D; i++)
        turned.x[i] = l.x[i] + (flo_real)(6 * (i % 3 - 1));
    layer_forward(&l);
    layer_forward(&turned);
    for (int i = 0; i < B * D; i++)
        assert_near(turned.z[i] - l.z[i], 6 * (i % 3 - 1), 10 * near_enough);
    for (int i = 0; i < B; i++)
        assert_near(turned.logdet[i], l.logdet[i], 100 * near_enough);
    turned.x[0] = (flo_real)1e37;
    layer_forward(&turned);
    assert_all_finite("far out", B * D, turned.z);
}

/* The network reads two numbers a column. */
static void angles_are_read_as_cosine_and_sine(void **state)
{
    layer l;
    layer_create(*state, "{kind: additive_coupling, mask: half, hidden: 6, period: 8}",
                 (flo_place){.seed = 1}, 1, 2, 0, &l);
    assert_int_equal(l.b->parameters.tensors[0].shape[1], 2);
    for (int i = -12; i <= 12;
         i++) { /* the network's input stands first in the cache */
        l.x[0] = (flo_real)i;
        layer_forward(&l);
        assert_near(l.pass.cache[0], cos(M_PI * i / 4), near_enough);
        assert_near(l.pass.cache[1], sin(M_PI * i / 4), near_enough);
    }
    l.x[0] = (flo_real)NAN;
    layer_forward(&l);
    assert_true(isnan(l.pass.cache[0]) && isnan(l.pass.cache[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(masks_swap_from_one_coupling_to_the_next),
        FIXTURE_TEST(a_random_mask_is_drawn_by_seed_and_layer),
        FIXTURE_TEST(masked_columns_pass_and_the_others_see_only_them),
        FIXTURE_TEST(one_column_is_refused),
        FIXTURE_TEST(a_mask_of_another_layer_is_refused),
        FIXTURE_TEST(additive_coupling_shifts),
        FIXTURE_TEST(affine_coupling_scales_within_its_limit),
        FIXTURE_TEST(turns_of_angles_do_not_matter),
        FIXTURE_TEST(angles_are_read_as_cosine_and_sine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
