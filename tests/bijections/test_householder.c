/* Householder reflections against reflections written out one by one. */
#include "bijections/layer.h"

enum { B = 3, D = 5, K = 4 };

static layer made(fixture *f)
{
    layer l;
    layer_create(f, "{kind: householder, reflections: 4}", (flo_place){.seed = 1}, B, D,
                 0, &l);
    return l;
}

/* x - 2 v (v . x) / (v . v), the first vector first. */
static void reflect_one_by_one(const flo_real *v, double *x)
{
    for (int k = 0; k < K; k++, v += D) {
        double square = 0, along = 0;
        for (int j = 0; j < D; j++) {
            square += (double)v[j] * (double)v[j];
            along += (double)v[j] * x[j];
        }
        for (int j = 0; j < D && square > 0; j++)
            x[j] -= 2 * along / square * (double)v[j];
    }
}

static void assert_reflected(const layer *l)
{
    for (int i = 0; i < B; i++) {
        double wanted[D], norm = 0, found = 0;
        for (int j = 0; j < D; j++)
            wanted[j] = (double)l->x[i * D + j];
        reflect_one_by_one(l->theta, wanted);
        for (int j = 0; j < D; j++) {
            assert_near(l->z[i * D + j], wanted[j], near_enough);
            norm += (double)l->x[i * D + j] * (double)l->x[i * D + j];
            found += (double)l->z[i * D + j] * (double)l->z[i * D + j];
        }
        assert_near(found, norm, near_enough);
        assert_true(l->logdet[i] == 0);
    }
}

static void reflections_come_one_after_the_other(void **state)
{
    layer l = made(*state);
    layer_forward(&l);
    assert_reflected(&l);
}

static void lengths_of_vectors_do_not_matter(void **state)
{
    layer l = made(*state), scaled = made(*state);
    static const double scales[K] = {-1, 1e-6, 1e6, 3};
    for (int i = 0; i < K * D; i++)
        scaled.theta[i] *= (flo_real)scales[i / D];
    layer_forward(&l);
    layer_forward(&scaled);
    assert_all_near("z", B * D, scaled.z, l.z, near_enough);
}

static void a_vector_of_zeros_reflects_nothing(void **state)
{
    layer l = made(*state);
    fill_reals(D, 0, l.theta + D);
    layer_zero_gradients(&l);
    layer_forward(&l);
    assert_reflected(&l);
    layer_backward(&l);
    assert_all_finite("dtheta", l.P, l.dtheta);
    for (int j = 0; j < D; j++)
        assert_true(l.dtheta[D + j] == 0);
}

/* In pairs, but the pairs differ: otherwise their gradients would for ever. */
static void it_starts_in_pairs(void **state)
{
    layer l = made(*state);
    const flo_random_key key = {11, FLO_RANDOM_PARAMETERS, 3, 0};
    l.b->kind->init(l.b, key, l.theta);
    assert_same_bits("pair", D * sizeof(flo_real), l.theta, l.theta + D);
    assert_same_bits("pair", D * sizeof(flo_real), l.theta + 2 * D, l.theta + 3 * D);
    assert_true(l.theta[0] != l.theta[2 * D]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(reflections_come_one_after_the_other),
        FIXTURE_TEST(lengths_of_vectors_do_not_matter),
        FIXTURE_TEST(a_vector_of_zeros_reflects_nothing),
        FIXTURE_TEST(it_starts_in_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
