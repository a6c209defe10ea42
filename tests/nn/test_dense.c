/* The linear map against sums written out, its gradient, and its initial values. */
#include "nn/dense.h"

#include "config/fixture.h"
#include "linalg/numbers.h"

enum { B = 21, IN = 7, OUT = 4, WEIGHTS = OUT * IN, P = WEIGHTS + OUT };

static flo_dense add_map(fixture *f, flo_layout *layout)
{
    flo_dense dense;
    flo_layout_start(layout, f->arena);
    assert_int_equal(flo_dense_add(layout, IN, OUT, "map", &dense), FLO_OK);
    return dense;
}

static void the_layout_names_weight_and_bias(void **state)
{
    flo_layout layout;
    const flo_dense dense = add_map(*state, &layout);
    assert_int_equal(layout.size, P);
    assert_int_equal(layout.count, 2);
    assert_string_equal(layout.tensors[0].name, "map/weight");
    assert_string_equal(layout.tensors[1].name, "map/bias");
    assert_true(layout.tensors[0].decay && !layout.tensors[1].decay);
    assert_int_equal(layout.tensors[0].shape[0], OUT);
    assert_int_equal(layout.tensors[0].shape[1], IN);
    assert_int_equal(dense.weight, 0);
    assert_int_equal(dense.bias, WEIGHTS);
}

static const flo_pass pass = {.rows = B};

static void forward_is_the_formula(void **state)
{
    flo_layout layout;
    const flo_dense dense = add_map(*state, &layout);
    flo_real theta[P], x[B * IN], before[B * OUT], y[B * OUT];
    draw_normals(1, 1, P, theta);
    draw_normals(2, 1, B * IN, x);
    draw_normals(3, 1, B * OUT, before);
    for (int add = 0; add < 2; add++) {
        memcpy(y, before, sizeof y);
        if (!add)
            fill_reals(B * OUT, (double)NAN, y);
        flo_dense_forward(&dense, theta, 0, 1, &pass, add, x, y);
        flo_dense_forward(&dense, theta, 1, OUT - 1, &pass, add, x, y);
        for (int64_t i = 0; i < B; i++)
            for (int64_t j = 0; j < OUT; j++) {
                double sum = (double)theta[WEIGHTS + j];
                sum += add ? (double)before[j * B + i] : 0;
                for (int64_t k = 0; k < IN; k++)
                    sum += (double)theta[j * IN + k] * (double)x[k * B + i];
                assert_near(y[j * B + i], sum, near_enough);
            }
    }
}

typedef struct problem {
    flo_dense dense;
    flo_real theta[P], x[B * IN], dy[B * OUT];
} problem;

static double loss(void *data)
{
    const problem *const p = data;
    flo_real y[B * OUT];
    flo_dense_forward(&p->dense, p->theta, 0, OUT, &pass, false, p->x, y);
    double sum = 0;
    for (int64_t i = 0; i < B * OUT; i++)
        sum += (double)y[i] * (double)p->dy[i];
    return sum;
}

static void backward_is_the_gradient(void **state)
{
    flo_layout layout;
    problem p = {.dense = add_map(*state, &layout)};
    draw_normals(4, 1, P, p.theta);
    draw_normals(5, 1, B * IN, p.x);
    draw_normals(6, 1, B * OUT, p.dy);
    flo_real dx[B * IN], dtheta[P] = {0};
    fill_reals(B * IN, (double)NAN, dx);
    flo_dense_backward(&p.dense, p.theta, &pass, false, p.x, p.dy, dx, dtheta);
    assert_gradient("dx", B * IN, dx, p.x, loss, &p);
    assert_gradient("dtheta", P, dtheta, p.theta, loss, &p);

    /* It adds to dtheta always, to dx where asked, and does without dx. */
    flo_real more[P], sum[B * IN], wanted[P];
    fill_reals(P, 10, more);
    fill_reals(B * IN, 3, sum);
    flo_dense_backward(&p.dense, p.theta, &pass, true, p.x, p.dy, sum, more);
    flo_dense_backward(&p.dense, p.theta, &pass, true, p.x, p.dy, NULL, more);
    for (int64_t i = 0; i < P; i++)
        wanted[i] = 10 + 2 * dtheta[i];
    assert_all_near("added dtheta", P, more, wanted, near_enough);

    /* What stands in fresh weights does not count. */
    const flo_pass fresh = {.rows = B, .fresh = true};
    fill_reals(WEIGHTS, (double)NAN, more);
    fill_reals(P - WEIGHTS, 0, more + WEIGHTS);
    flo_dense_backward(&p.dense, p.theta, &fresh, true, p.x, p.dy, NULL, more);
    assert_same_bits("fresh dtheta", sizeof more, more, dtheta);
    for (int64_t i = 0; i < B * IN; i++)
        assert_near(sum[i], 3 + (double)dx[i], near_enough);
}

static void initial_values_are_uniform_within_the_limit(void **state)
{
    fixture *const f = *state;
    flo_layout layout;
    flo_dense dense;
    flo_layout_start(&layout, f->arena);
    enum { N = 64, ALL = N * N + N };
    assert_int_equal(flo_dense_add(&layout, N, N, "map", &dense), FLO_OK);
    const flo_random_key key = {3, FLO_RANDOM_PARAMETERS, 1, 2};
    const flo_random_key other = {3, FLO_RANDOM_PARAMETERS, 1, 3};
    flo_real theta[ALL], again[ALL];
    flo_dense_init(&dense, -1, key, theta);
    double squares = 0, largest = 0;
    for (int64_t i = 0; i < ALL; i++) {
        largest = fmax(largest, fabs((double)theta[i]));
        squares += (double)theta[i] * (double)theta[i];
    }
    const double limit = 1 / sqrt((double)N);
    assert_true(largest <= limit && largest > 0.99 * limit);
    assert_near(squares / ALL / (limit * limit / 3), 1, 0.05);
    flo_dense_init(&dense, -1, key, again);
    assert_same_bits("the same key", sizeof theta, again, theta);
    flo_dense_init(&dense, -1, other, again);
    assert_memory_not_equal(again, theta, sizeof theta);
    flo_dense_init(&dense, 0, key, theta);
    for (int64_t i = 0; i < ALL; i++)
        assert_true(theta[i] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_layout_names_weight_and_bias),
        FIXTURE_TEST(forward_is_the_formula),
        FIXTURE_TEST(backward_is_the_gradient),
        FIXTURE_TEST(initial_values_are_uniform_within_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
