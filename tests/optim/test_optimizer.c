/* One step of each optimizer by its formula; clipping, average, decay, and threads. */
#include "optim/optimizer.h"

#include "config/fixture.h"
#include "linalg/numbers.h"

enum { ADAM, ADAMW, SGD, KINDS };
enum { WEIGHTS = 150 * 301, BIASES = 301, P = WEIGHTS + BIASES, SOME = WEIGHTS - 3 };

static const flo_optimizer_settings usual = {
    .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-3, .weight_decay = 0.1, .momentum = 0.8};

typedef struct problem {
    flo_optimizer *optimizer;
    flo_real *theta, *gradient;
} problem;

static flo_real *take(fixture *f, uint64_t stream)
{
    flo_real *memory;
    assert_int_equal(flo_arena_take(f->arena, P, sizeof *memory, &memory), FLO_OK);
    draw_normals(stream, 1, P, memory);
    return memory;
}

/* Parameters of a linear map: weights that decay (in three pieces), biases that do not.
 */
static problem make(fixture *f, int kind, const flo_optimizer_settings *settings)
{
    flo_layout layout;
    int64_t ignored;
    flo_optimizer_settings own = *settings;
    own.optimizer = kind;
    flo_layout_start(&layout, f->arena);
    assert_int_equal(flo_layout_add(&layout, 150, 301, true, &ignored, "w"), FLO_OK);
    assert_int_equal(flo_layout_add(&layout, BIASES, 0, false, &ignored, "b"), FLO_OK);
    problem p = {.theta = take(f, 1), .gradient = take(f, 2)};
    assert_int_equal(flo_optimizer_create(f->arena, &own, &layout, &p.optimizer),
                     FLO_OK);
    assert_int_equal(flo_optimizer_take(f->arena, p.optimizer), FLO_OK);
    assert_true(flo_optimizer_reads(p.optimizer));
    flo_optimizer_start(p.optimizer, p.theta);
    return p;
}

static void step(problem *p, int64_t number, double rate, double scale, int threads)
{
    const flo_step_numbers numbers = {number, rate, scale};
    const double norm = flo_optimizer_norm(p->optimizer, p->gradient, scale, threads);
    flo_optimizer_step(p->optimizer, numbers, norm, p->gradient, p->theta, threads);
}

/* theta after steps 1 .. steps under a gradient g that stays, by the papers. */
static double by_hand(int kind, int64_t steps, double rate, double g, bool decays,
                      double theta)
{
    double m = 0, v = 0;
    for (int64_t t = 1; t <= steps; t++) {
        if (kind == SGD) {
            m = usual.momentum * m + g;
            theta -= rate * m;
            continue;
        }
        m = usual.beta1 * m + (1 - usual.beta1) * g;
        v = usual.beta2 * v + (1 - usual.beta2) * g * g;
        const double mean = m / (1 - pow(usual.beta1, (double)t));
        const double square = v / (1 - pow(usual.beta2, (double)t));
        if (kind == ADAMW && decays)
            theta -= rate * usual.weight_decay * theta;
        theta -= rate * mean / (sqrt(square) + usual.epsilon);
    }
    return theta;
}

static void steps_follow_their_formulas(void **state)
{
    for (int kind = 0; kind < KINDS; kind++) {
        problem p = make(*state, kind, &usual);
        const flo_real *const before = take(*state, 1);
        for (int64_t t = 1; t <= 3; t++)
            step(&p, t, 0.05, 0.25, 1);
        for (int64_t i = 0; i < P; i++)
            assert_near(p.theta[i],
                        by_hand(kind, 3, 0.05, 0.25 * (double)p.gradient[i],
                                i < WEIGHTS, (double)before[i]),
                        near_enough / 10);
    }
}

static void kinds_stand_in_the_order_of_the_choices(void **state)
{
    char names[64] = "";
    const int moments[KINDS] = {2, 2, 1};
    for (int kind = 0; kind < KINDS; kind++) {
        const problem p = make(*state, kind, &usual);
        strcat(names, kind ? "|" : "");
        strcat(names, p.optimizer->kind->name);
        assert_int_equal(p.optimizer->kind->moments, moments[kind]);
        assert_true((p.optimizer->moment[1] == NULL) == (moments[kind] == 1));
        assert_null(p.optimizer->average);
    }
    assert_string_equal(names, FLO_OPTIMIZER_CHOICES);
}

static void only_weights_decay_and_only_under_adamw(void **state)
{
    for (int kind = 0; kind < KINDS; kind++) {
        problem p = make(*state, kind, &usual);
        const flo_real *const before = take(*state, 1);
        memset(p.gradient, 0, P * sizeof *p.gradient);
        step(&p, 1, 0.05, 1, 1);
        for (int64_t i = 0; i < P; i++) {
            const double keep = kind == ADAMW && i < WEIGHTS ? 1 - 0.05 * 0.1 : 1;
            assert_near(p.theta[i], keep * (double)before[i], 1e-6);
        }
    }
}

static void a_gradient_above_the_clip_is_scaled_to_it(void **state)
{
    flo_optimizer_settings settings = usual;
    settings.momentum = 0;
    const double clips[] = {0, 2, 1e6};
    for (int c = 0; c < 3; c++) {
        settings.clip = clips[c];
        problem p = make(*state, SGD, &settings);
        const flo_real *const before = take(*state, 1);
        const double norm = flo_optimizer_norm(p.optimizer, p.gradient, 0.5, 1);
        assert_true(norm > 50 && norm < 1e6);
        step(&p, 1, 1, 0.5, 1);
        double squares = 0;
        for (int64_t i = 0; i < P; i++) {
            const double moved = (double)before[i] - (double)p.theta[i];
            squares += moved * moved;
        }
        assert_near(sqrt(squares), c == 1 ? 2 : norm, 1e-5);
        assert_near(p.theta[7],
                    (double)before[7] -
                        (c == 1 ? 2 / norm : 1) * 0.5 * (double)p.gradient[7],
                    1e-6);
    }
}

/* a_t = d a_{t-1} + (1 - d) theta_t, d = min(decay, (1 + t) / (10 + t)). */
static void the_average_follows_theta(void **state)
{
    flo_optimizer_settings settings = usual;
    settings.average = 0.4;
    problem p = make(*state, ADAM, &settings);
    assert_same_bits("the start", P * sizeof *p.theta, p.optimizer->average, p.theta);
    double wanted[3] = {(double)p.theta[0], (double)p.theta[SOME],
                        (double)p.theta[P - 1]};
    const int64_t at[3] = {0, SOME, P - 1};
    for (int64_t t = 1; t <= 8; t++) {
        const double early = (1 + (double)t) / (10 + (double)t);
        const double decay = early < 0.4 ? early : 0.4;
        step(&p, t, 0.05, 1, 1);
        for (int i = 0; i < 3; i++) {
            wanted[i] = decay * wanted[i] + (1 - decay) * (double)p.theta[at[i]];
            assert_near(p.optimizer->average[at[i]], wanted[i], 1e-5);
        }
    }
}

static void the_norm_is_the_norm_and_has_the_same_bits_on_any_threads(void **state)
{
    problem p = make(*state, ADAM, &usual);
    double squares = 0;
    for (int64_t i = 0; i < P; i++)
        squares += (double)p.gradient[i] * (double)p.gradient[i];
    const double wanted = flo_optimizer_norm(p.optimizer, p.gradient, 0.25, 1);
    assert_near(wanted, 0.25 * sqrt(squares), 1e-12);
    for (int threads = 2; threads <= 5; threads++)
        assert_true(flo_optimizer_norm(p.optimizer, p.gradient, 0.25, threads) ==
                    wanted);
    p.gradient[P - 1] = (flo_real)NAN;
    assert_true(isnan(flo_optimizer_norm(p.optimizer, p.gradient, 0.25, 1)));
}

static void steps_have_the_same_bits_on_any_threads(void **state)
{
    flo_optimizer_settings settings = usual;
    settings.clip = 1;
    settings.average = 0.9;
    for (int kind = 0; kind < KINDS; kind++) {
        problem one = make(*state, kind, &settings);
        for (int64_t t = 1; t <= 3; t++)
            step(&one, t, 0.05, 1, 1);
        for (int threads = 2; threads <= 5; threads++) {
            problem p = make(*state, kind, &settings);
            for (int64_t t = 1; t <= 3; t++)
                step(&p, t, 0.05, 1, threads);
            assert_same_bits("theta", P * sizeof *p.theta, p.theta, one.theta);
            assert_same_bits("average", P * sizeof *p.theta, p.optimizer->average,
                             one.optimizer->average);
            for (int m = 0; m < p.optimizer->kind->moments; m++)
                assert_same_bits("moment", P * sizeof *p.theta, p.optimizer->moment[m],
                                 one.optimizer->moment[m]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(steps_follow_their_formulas),
        FIXTURE_TEST(kinds_stand_in_the_order_of_the_choices),
        FIXTURE_TEST(only_weights_decay_and_only_under_adamw),
        FIXTURE_TEST(a_gradient_above_the_clip_is_scaled_to_it),
        FIXTURE_TEST(the_average_follows_theta),
        FIXTURE_TEST(the_norm_is_the_norm_and_has_the_same_bits_on_any_threads),
        FIXTURE_TEST(steps_have_the_same_bits_on_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
