/* Conditioner networks: the whole gradient, dropout, memory, start, and settings. */
#include "nn/network.h"

#include "config/fixture.h"
#include "linalg/numbers.h"

enum { B = 4, IN = 3, OUT = 5, C = 2, GUARD = 16 };

/* How a network is set up; hidden counts when width is 0. */
typedef struct shape {
    const char *name;
    int64_t width, blocks, hidden_count;
} shape;

static const int64_t hidden[] = {7, 4, 6};
static const shape shapes[] = {{"mlp of one layer", 0, 0, 1},
                               {"mlp of three layers", 0, 0, 3},
                               {"residual of two blocks", 6, 2, 0},
                               {"residual without blocks", 6, 0, 0}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct problem {
    flo_network network;
    flo_layout layout;
    flo_pass pass;
    flo_real input[B * IN], context[B * C], dy[B * OUT];
    flo_real *theta, *dtheta, *cache, *scratch, *noise;
} problem;

static flo_real *take(fixture *f, int64_t count)
{
    flo_real *memory;
    assert_int_equal(flo_arena_take(f->arena, count, sizeof *memory, &memory), FLO_OK);
    fill_reals(count, (double)NAN, memory);
    return memory;
}

static void configure(fixture *f, const shape *s, int activation, int64_t contexts,
                      double dropout, problem *p)
{
    const flo_network_settings settings = {.hidden = {s->hidden_count, hidden},
                                           .width = s->width,
                                           .blocks = s->blocks,
                                           .activation = activation,
                                           .dropout = dropout};
    flo_layout_start(&p->layout, f->arena);
    assert_int_equal(flo_network_configure(&p->network, f->arena, parse(f, "{}"),
                                           &settings, IN, contexts, OUT, &p->layout),
                     FLO_OK);
    const flo_network *const n = &p->network;
    p->theta = take(f, p->layout.size);
    p->dtheta = take(f, p->layout.size);
    p->cache = take(f, B * n->cache + GUARD);
    p->scratch = take(f, B * n->scratch + GUARD);
    p->noise = take(f, B * n->noise);
    p->pass = (flo_pass){.rows = B,
                         .context = p->context,
                         .cache = p->cache,
                         .scratch = p->scratch,
                         .noise = p->noise,
                         .training = true};
    draw_normals(1, 0.5, p->layout.size, p->theta);
    draw_normals(2, 1, B * IN, p->input);
    draw_normals(3, 1, B * C, p->context);
    draw_normals(4, 1, B * OUT, p->dy);
    const flo_random_key key = {5, FLO_RANDOM_DROPOUT, 0, 0};
    flo_random_uniform(key, 0, B * n->noise, p->noise);
}

static void forward(const problem *p, flo_real *y)
{
    flo_network_forward(&p->network, p->theta, &p->pass, p->input, y);
}

static void backward(const problem *p, flo_real *dinput, flo_real *dcontext)
{
    flo_real dy[B * OUT]; /* may be changed */
    memcpy(dy, p->dy, sizeof dy);
    flo_network_backward(&p->network, p->theta, &p->pass, p->input, dy, dinput,
                         dcontext, p->dtheta);
}

static double loss(void *data)
{
    const problem *const p = data;
    flo_real y[B * OUT];
    forward(p, y);
    double sum = 0;
    for (int64_t i = 0; i < B * OUT; i++)
        sum += (double)y[i] * (double)p->dy[i];
    return sum;
}

static void check_guards(const problem *p)
{
    for (int64_t i = 0; i < GUARD; i++) {
        assert_true(isnan(p->cache[B * p->network.cache + i]));
        assert_true(isnan(p->scratch[B * p->network.scratch + i]));
    }
}

static void check_gradient(problem *p)
{
    flo_real y[B * OUT], dinput[B * IN], dcontext[B * C] = {0};
    fill_reals(B * OUT, (double)NAN, y);
    fill_reals(B * IN, (double)NAN, dinput);
    fill_reals(p->layout.size, 0, p->dtheta);
    forward(p, y);
    assert_all_finite("y", B * OUT, y);
    backward(p, dinput, dcontext);
    check_guards(p);
    assert_gradient("dinput", B * IN, dinput, p->input, loss, p);
    if (p->network.context)
        assert_gradient("dcontext", B * C, dcontext, p->context, loss, p);
    for (int64_t i = 0; i < p->layout.count; i++) {
        const flo_tensor *const t = &p->layout.tensors[i];
        assert_gradient(t->name, t->count, p->dtheta + t->offset, p->theta + t->offset,
                        loss, p);
    }
}

static void every_gradient_is_that_of_finite_differences(void **state)
{
    for (int s = 0; s < SHAPES; s++)
        for (int activation = 0; activation < 3; activation++)
            for (int variant = 0; variant < 4; variant++) {
                problem p;
                configure(*state, &shapes[s], activation, variant & 1 ? C : 0,
                          variant & 2 ? 0.3 : 0, &p);
                check_gradient(&p);
            }
}

static void backward_adds_to_parameters_and_context(void **state)
{
    for (int s = 0; s < SHAPES; s++) {
        problem p;
        configure(*state, &shapes[s], 1, C, 0.3, &p);
        flo_real y[B * OUT], dinput[2][B * IN], dcontext[2][B * C] = {{0}};
        fill_reals(p.layout.size, 0, p.dtheta);
        forward(&p, y);
        backward(&p, dinput[0], dcontext[0]);
        flo_real *const first = take(*state, p.layout.size);
        memcpy(first, p.dtheta, (size_t)p.layout.size * sizeof *first);
        fill_reals(p.layout.size, 2, p.dtheta);
        fill_reals(B * C, 2, dcontext[1]);
        forward(&p, y);
        backward(&p, dinput[1], dcontext[1]);
        assert_same_bits("dinput", sizeof dinput[0], dinput[1], dinput[0]);
        for (int64_t i = 0; i < p.layout.size; i++)
            assert_near(p.dtheta[i], 2 + (double)first[i], near_enough);
        for (int64_t i = 0; i < B * C; i++)
            assert_near(dcontext[1][i], 2 + (double)dcontext[0][i], near_enough);
    }
}

/* Without training, dropout does nothing and its noise is not there to be read. */
static void dropout_applies_in_training_only(void **state)
{
    for (int s = 0; s < SHAPES - 1; s++) {
        problem with, without;
        flo_real y[3][B * OUT];
        configure(*state, &shapes[s], 2, C, 0.4, &with);
        configure(*state, &shapes[s], 2, C, 0, &without);
        forward(&without, y[0]);
        forward(&with, y[1]);
        with.pass.training = false;
        with.pass.noise = NULL;
        forward(&with, y[2]);
        assert_memory_not_equal(y[1], y[0], sizeof y[0]);
        assert_same_bits(shapes[s].name, sizeof y[0], y[2], y[0]);
        assert_int_equal(without.network.noise, 0);
    }
}

static void dropout_is_its_formula(void **state)
{
    (void)state;
    const flo_real u[4] = {(flo_real)0.1, (flo_real)0.2, (flo_real)0.3, (flo_real)0.9};
    flo_real x[4] = {1, 2, -3, (flo_real)NAN};
    flo_dropout(0.25, 4, u, x, x);
    assert_true(x[0] == 0 && x[1] == 0 && isnan(x[3]));
    assert_near(x[2], -4, near_enough);

    enum { N = 20000 };
    flo_real many[N], y[N];
    const flo_random_key key = {5, FLO_RANDOM_DROPOUT, 0, 0};
    flo_random_uniform(key, 0, N, many);
    fill_reals(N, 1, y);
    flo_dropout(0.3, N, many, y, y);
    double mean = 0;
    for (int64_t i = 0; i < N; i++)
        mean += (double)y[i] / N;
    assert_near(mean, 1, 0.02); /* it keeps the mean */
}

/* No two weights are the same random numbers, whatever their limits. */
static void check_maps_differ(const problem *p)
{
    for (int64_t a = 0; a < p->layout.count; a++)
        for (int64_t b = 0; b < a; b++) {
            const flo_real *const x = p->theta + p->layout.tensors[a].offset;
            const flo_real *const y = p->theta + p->layout.tensors[b].offset;
            if (x[0] != 0 && y[0] != 0)
                assert_false(
                    is_near((double)(x[1] / x[0]), (double)(y[1] / y[0]), 1e-4));
        }
}

static void a_network_starts_as_zero_with_every_parameter_set(void **state)
{
    const flo_random_key key = {9, FLO_RANDOM_PARAMETERS, 3, 0};
    for (int s = 0; s < SHAPES; s++) {
        problem p;
        configure(*state, &shapes[s], 0, C, 0, &p);
        fill_reals(p.layout.size, (double)NAN, p.theta);
        p.network.kind->init(&p.network, key, p.theta);
        assert_all_finite(shapes[s].name, p.layout.size, p.theta);
        flo_real y[B * OUT];
        forward(&p, y);
        for (int64_t i = 0; i < B * OUT; i++)
            assert_true(y[i] == 0);
        check_maps_differ(&p);
    }
}

static void neither_or_both_of_hidden_and_width_are_refused(void **state)
{
    fixture *const f = *state;
    flo_network network;
    flo_layout layout;
    flo_layout_start(&layout, f->arena);
    flo_network_settings settings = {.blocks = 2};
    for (int both = 0; both < 2; both++) {
        assert_int_equal(flo_network_configure(&network, f->arena, parse(f, "{}"),
                                               &settings, IN, 0, OUT, &layout),
                         FLO_ERROR_CONFIG);
        assert_non_null(strstr(flo_context_message(f->context),
                               "either hidden: [256, 256] (plain MLP) or width: 256"));
        settings.hidden = (flo_integers){1, hidden};
        settings.width = 8;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_gradient_is_that_of_finite_differences),
        FIXTURE_TEST(backward_adds_to_parameters_and_context),
        FIXTURE_TEST(dropout_applies_in_training_only),
        FIXTURE_TEST(dropout_is_its_formula),
        FIXTURE_TEST(a_network_starts_as_zero_with_every_parameter_set),
        FIXTURE_TEST(neither_or_both_of_hidden_and_width_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
