/* permutation: which orders there are, and stored orders that are none. */
#include "bijections/layer.h"

#include <stdio.h>

enum { D = 6, B = 2 };

static void create(fixture *f, const char *order, int64_t index, uint64_t seed,
                   layer *l)
{
    char yaml[64];
    snprintf(yaml, sizeof yaml, "{kind: permutation, order: %s}", order);
    layer_create(f, yaml, (flo_place){.index = index, .seed = seed}, B, D, 0, l);
}

static void reverse_reverses(void **state)
{
    layer l;
    create(*state, "reverse", 0, 1, &l);
    layer_forward(&l);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            assert_true(l.z[i * D + j] == l.x[i * D + D - 1 - j]);
    assert_true(l.logdet[0] == 0);
}

static void z_takes_the_column_that_the_order_names(void **state)
{
    layer l;
    create(*state, "random", 0, 1, &l);
    layer_forward(&l);
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            assert_true(l.z[i * D + j] == l.x[i * D + (int64_t)l.constants[j]]);
}

static void a_random_order_is_drawn_by_seed_and_layer(void **state)
{
    int64_t first[D] = {0};
    int different = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        layer l, same, other;
        create(*state, "random", 4, seed, &l);
        create(*state, "random", 4, seed, &same);
        create(*state, "random", 5, seed, &other);
        assert_memory_equal(l.constants, same.constants, D * sizeof(double));
        different += memcmp(l.constants, other.constants, D * sizeof(double)) != 0;
        first[(int64_t)l.constants[0]]++;
    }
    assert_true(different > 190);
    for (int64_t j = 0; j < D; j++)
        assert_true(first[j] > 10 && first[j] < 70); /* of 200 / 6 */
}

static void an_order_that_is_no_permutation_is_refused(void **state)
{
    fixture *const f = *state;
    layer l;
    create(f, "random", 0, 1, &l);
    const double bad[][D] = {{0, 1, 2, 3, 4, 4},
                             {0, 1, 2, 3, 4, 6},
                             {0, 1, 2, 3, 4, -1},
                             {0, 1, 2, 3, 4, (double)NAN}};
    for (int k = 0; k < 4; k++) {
        assert_int_equal(l.b->kind->prepare(l.b, f->context, bad[k]), FLO_ERROR_FILE);
        const char *const message = flo_context_message(f->context);
        assert_non_null(strstr(message, "permutation: stored order has"));
        assert_non_null(strstr(message, "at place 5, wanted each of 0 .. 5 once"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(reverse_reverses),
        FIXTURE_TEST(z_takes_the_column_that_the_order_names),
        FIXTURE_TEST(a_random_order_is_drawn_by_seed_and_layer),
        FIXTURE_TEST(an_order_that_is_no_permutation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
