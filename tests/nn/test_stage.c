/* A stage is activation, then dropout by the row's own noise, forward and backward. */
#include "nn/stage.h"

#include "linalg/numbers.h"

enum { B = 3, N = 5, OFFSET = 2, NOISE = N + 4, SIZE = B * N };

typedef struct problem {
    flo_stage stage;
    flo_pass pass;
    flo_real noise[B * NOISE], p[SIZE], dh[SIZE], cache[3 * SIZE];
} problem;

static void make(int activation, double dropout, bool training, problem *t)
{
    *t = (problem){.stage = {flo_activation_at(activation), dropout, N, NOISE}};
    t->pass = (flo_pass){.rows = B, .noise = t->noise, .training = training};
    const flo_random_key key = {5, FLO_RANDOM_DROPOUT, 0, 0};
    flo_random_uniform(key, 0, B * NOISE, t->noise);
    draw_normals(1, 1, SIZE, t->p);
    draw_normals(2, 1, SIZE, t->dh);
}

/* What dropout makes of element k: 0 or 1 / (1 - rate). */
static double factor(const problem *t, int64_t k)
{
    const double u = (double)t->noise[k % B * NOISE + OFFSET + k / B];
    if (t->stage.dropout == 0 || !t->pass.training)
        return 1;
    return u < t->stage.dropout ? 0 : 1 / (1 - t->stage.dropout);
}

static void check(problem *t)
{
    flo_real h[SIZE], slope[SIZE], ones[SIZE];
    const flo_activation *const a = t->stage.activation;
    a->forward(SIZE, t->p, h);
    fill_reals(SIZE, 1, ones);
    a->backward(SIZE, t->p, h, ones, slope);

    const flo_real *out =
        flo_stage_forward(&t->stage, &t->pass, OFFSET, 0, N, t->p, t->cache);
    assert_ptr_equal(out, flo_stage_output(&t->stage, &t->pass, t->cache));
    for (int64_t k = 0; k < SIZE; k++)
        assert_near(out[k], factor(t, k) * (double)h[k], near_enough);

    flo_real apart[SIZE], in_place[SIZE];
    memcpy(in_place, t->dh, sizeof in_place);
    flo_stage_backward(&t->stage, &t->pass, OFFSET, t->cache, t->dh, apart);
    flo_stage_backward(&t->stage, &t->pass, OFFSET, t->cache, in_place, in_place);
    for (int64_t k = 0; k < SIZE; k++)
        assert_near(apart[k], factor(t, k) * (double)slope[k] * (double)t->dh[k],
                    near_enough);
    assert_same_bits("in place", sizeof apart, in_place, apart);

    flo_real *const input = flo_stage_input(&t->stage, B, t->cache);
    memcpy(input, t->p, sizeof t->p); /* the input may lie where it saves a copy */
    flo_stage_forward(&t->stage, &t->pass, OFFSET, 0, 2, input, t->cache);
    out = flo_stage_forward(&t->stage, &t->pass, OFFSET, 2, N - 2, input, t->cache);
    for (int64_t k = 0; k < SIZE; k++)
        assert_near(out[k], factor(t, k) * (double)h[k], near_enough);
}

static void it_is_activation_then_dropout(void **state)
{
    (void)state;
    for (int activation = 0; activation < 3; activation++)
        for (int way = 0; way < 4; way++) {
            problem t;
            make(activation, way & 1 ? 0.4 : 0, way & 2, &t);
            check(&t);
        }
}

static void the_cache_is_what_it_says(void **state)
{
    (void)state;
    const int64_t wanted[3][2] = {{N, 2 * N}, {N, 2 * N}, {2 * N, 3 * N}};
    for (int activation = 0; activation < 3; activation++)
        for (int drops = 0; drops < 2; drops++) {
            problem t;
            make(activation, drops ? 0.4 : 0, true, &t);
            assert_int_equal(flo_stage_cache(&t.stage), wanted[activation][drops]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_activation_then_dropout),
        cmocka_unit_test(the_cache_is_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
