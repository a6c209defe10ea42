/* Masked networks: who sees whom, the gradient, and the solve against D passes. */
#include "nn/problem.h"

enum { B = 5 };

/* One block of degrees and several, degrees without units, one column, many outputs. */
static const masked_shape shapes[] = {
    {"one column", 1, 3, 0, 0, 1, {4}},
    {"two columns", 2, 1, 0, 0, 2, {3, 2}},
    {"three layers", 5, 2, 0, 0, 3, {7, 4, 6}},
    {"fewer units than columns", 12, 2, 0, 0, 2, {5, 9}},
    {"two blocks", 9, 3, 0, 0, 3, {70, 130, 33}},
    {"a degree a block", 4, 2, 0, 0, 1, {300}},
    {"many outputs", 10, 80, 0, 0, 1, {101}},
    {"residual", 5, 2, 8, 2, 0, {0}},
    {"residual of four blocks", 7, 1, 6, 4, 0, {0}},
    {"residual in three blocks", 7, 2, 150, 1, 0, {0}},
    {"residual without blocks", 6, 2, 9, 0, 0, {0}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Calls check for every shape, activation, with context and dropout and without. */
static void for_every_problem(int64_t activations, void check(fixture *f, problem *p))
{
    for (int64_t i = 0; i < SHAPES * activations * 4; i++) {
        void *state;
        assert_int_equal(fixture_setup(&state), 0);
        problem p;
        problem_create(state, &shapes[i / 4 / activations], B, i & 1 ? 2 : 0,
                       (int)(i / 4 % activations), i & 2 ? 0.3 : 0, &p);
        check(state, &p);
        problem_check_guards(&p);
        assert_int_equal(fixture_teardown(&state), 0);
    }
}

/* How far any output of column j of any row moves between two results [D P, B]. */
static double moved(const problem *p, const flo_real *a, const flo_real *b, int64_t j)
{
    double most = 0;
    for (int64_t i = 0; i < B; i++)
        for (int64_t k = 0; k < p->P; k++) {
            const int64_t at = (j * p->P + k) * B + i;
            most = fmax(most, fabs((double)a[at] - (double)b[at]));
        }
    return most;
}

/* Whether a chain of units leads from an input of this degree to outputs of column j:
   each layer must have a unit between them. */
static bool reaches(const problem *p, int64_t degree, int64_t j)
{
    const int64_t D = p->D, low = p->C || D == 1 ? 0 : 1;
    const int64_t layers = p->shape->hidden_count ? p->shape->hidden_count : 1;
    for (int64_t l = 0; l < layers && degree <= j; l++) {
        const int64_t H = p->shape->width ? p->shape->width : p->shape->hidden[l];
        int64_t i = 0;
        while (i < H && low + i * (D - low) / H < degree)
            i++;
        degree = i < H ? low + i * (D - low) / H : D;
    }
    return degree <= j;
}

/* Adds to one column of rows [B, n] of multiples of 1/16: exact. */
static void shift(int64_t n, int64_t column, int by, flo_real *rows)
{
    for (int64_t r = 0; r < B; r++)
        rows[r * n + column] += (flo_real)by;
}

static void round_to_sixteenths(int64_t n, flo_real *rows)
{
    for (int64_t i = 0; i < n; i++)
        rows[i] = (flo_real)(floor(16 * (double)rows[i]) / 16);
}

/* Column i moves the outputs of the columns behind it, and only those. */
static void check_columns(fixture *f, problem *p)
{
    const int64_t n = B * p->D * p->P;
    flo_real *const before = problem_reals(f, n), *const after = problem_reals(f, n);
    p->pass.training = false;
    round_to_sixteenths(B * p->D, p->x);
    problem_forward(p, p->x, before);
    assert_all_finite(p->shape->name, n, before);
    for (int64_t i = 0; i < p->D; i++) {
        shift(p->D, i, 1, p->x);
        problem_forward(p, p->x, after);
        shift(p->D, i, -1, p->x);
        for (int64_t j = 0; j < p->D; j++) {
            const bool moves = moved(p, before, after, j) > 0;
            const bool may = j > i && reaches(p, i + 1, j);
            if (moves != may)
                fail_msg("%s: column %lld %s the outputs of column %lld",
                         p->shape->name, (long long)i,
                         moves ? "moves" : "does not move", (long long)j);
        }
    }
}

/* The context moves the outputs of every column, of the first too. */
static void check_context(fixture *f, problem *p)
{
    const int64_t n = B * p->D * p->P;
    flo_real *const before = problem_reals(f, n), *const after = problem_reals(f, n);
    round_to_sixteenths(B * p->C, p->context);
    problem_forward(p, p->x, before);
    for (int64_t i = 0; i < p->C; i++) {
        shift(p->C, i, 1, p->context);
        problem_forward(p, p->x, after);
        shift(p->C, i, -1, p->context);
        for (int64_t j = 0; j < p->D; j++)
            if (reaches(p, 0, j) && !(moved(p, before, after, j) > 0))
                fail_msg("%s: context %lld does not move column %lld", p->shape->name,
                         (long long)i, (long long)j);
    }
}

/* With tanh, where no unit is dead. */
static void a_column_sees_all_columns_before_it_and_no_other(void **state)
{
    for (int s = 0; s < SHAPES; s++)
        for (int64_t C = 0; C <= 2; C += 2) {
            problem p;
            problem_create(*state, &shapes[s], B, C, 1, 0, &p);
            check_columns(*state, &p);
            check_context(*state, &p);
        }
}

static double loss(void *data)
{
    const problem *const p = data;
    const int64_t n = B * p->D * p->P;
    flo_real out[B * 10 * 80];
    assert_true(n <= (int64_t)(sizeof out / sizeof *out));
    problem_forward(p, p->x, out);
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)out[i] * (double)p->dout[i];
    return sum;
}

/* dx and dcontext come on top of what is there. */
static void check_gradient(fixture *f, problem *p)
{
    const int64_t n = B * p->D * p->P;
    flo_real *const out = problem_reals(f, n), *const dout = problem_reals(f, n);
    flo_real *const dx = problem_reals(f, B * p->D);
    flo_real *const dcontext = problem_reals(f, B * p->C);
    memcpy(dout, p->dout, (size_t)n * sizeof *dout);
    fill_reals(B * p->D, 1, dx);
    fill_reals(B * p->C, 1, dcontext);
    fill_reals(p->layout.size, 0, p->dtheta);
    problem_forward(p, p->x, out);
    flo_masked_backward(&p->masked, p->theta, &p->pass, p->x, dout, dx, dcontext,
                        p->dtheta);
    for (int64_t i = 0; i < B * p->D; i++)
        dx[i] -= 1;
    for (int64_t i = 0; i < B * p->C; i++)
        dcontext[i] -= 1;
    assert_gradient("dx", B * p->D, dx, p->x, loss, p);
    assert_gradient("dcontext", B * p->C, dcontext, p->context, loss, p);
    assert_parameter_gradients(p->shape->name, &p->layout, p->dtheta, p->theta, loss,
                               p);
}

static void every_gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    for_every_problem(1, check_gradient);
}

static void the_gradient_is_right_for_every_activation(void **state)
{
    for (int s = 0; s < SHAPES; s++)
        for (int activation = 1; activation < 3 && shapes[s].D < 9; activation++) {
            problem p;
            problem_create(*state, &shapes[s], B, 2, activation, 0.3, &p);
            check_gradient(*state, &p);
        }
}

static void check_backward_adds(fixture *f, problem *p)
{
    const int64_t n = B * p->D * p->P;
    flo_real *const out = problem_reals(f, n), *const dout = problem_reals(f, n);
    flo_real *const dx = problem_reals(f, B * p->D);
    flo_real *const dcontext = problem_reals(f, B * p->C);
    flo_real *const once = problem_reals(f, p->layout.size);
    for (int twice = 0; twice < 2; twice++) {
        fill_reals(p->layout.size, twice ? 2 : 0, p->dtheta);
        fill_reals(B * p->D, 0, dx);
        fill_reals(B * p->C, 0, dcontext);
        memcpy(dout, p->dout, (size_t)n * sizeof *dout);
        problem_forward(p, p->x, out);
        flo_masked_backward(&p->masked, p->theta, &p->pass, p->x, dout, dx, dcontext,
                            p->dtheta);
        if (!twice)
            memcpy(once, p->dtheta, (size_t)p->layout.size * sizeof *once);
    }
    for (int64_t i = 0; i < p->layout.count; i++)
        assert_parameters_added(&p->layout.tensors[i], 2, once, p->dtheta);
}

static void backward_adds_and_clears_what_no_row_sees(void **state)
{
    (void)state;
    for_every_problem(1, check_backward_adds);
}

/* x by D passes of the whole network: pass j gives column j. */
static void solve_by_passes(fixture *f, problem *p, target *t, flo_real *x)
{
    const int64_t P = p->P, D = p->D;
    flo_real *const out = problem_reals(f, B * D * P);
    fill_reals(B * D, 0, x);
    t->columns = 0;
    for (int64_t j = 0; j < D; j++) {
        problem_forward(p, x, out);
        target_column(t, j, B, out + j * P * B, x);
    }
}

static void check_solve(fixture *f, problem *p)
{
    target t = {p, p->x, 0};
    flo_real *const x = problem_reals(f, B * p->D);
    flo_real *const wanted = problem_reals(f, B * p->D);
    for (int training = 0; training < 2; training++) {
        p->pass.training = training;
        p->pass.noise = training ? p->noise : NULL;
        t.columns = 0;
        fill_reals(B * p->masked.network.cache, (double)NAN, p->cache);
        fill_reals(B * p->masked.scratch, (double)NAN, p->scratch);
        flo_masked_solve(&p->masked, p->theta, &p->pass, target_column, &t, x);
        assert_int_equal(t.columns, p->D);
        problem_check_guards(p);
        solve_by_passes(f, p, &t, wanted);
        assert_all_near(p->shape->name, B * p->D, x, wanted, 10 * near_enough);
    }
}

static void the_solve_is_that_of_a_pass_for_every_column(void **state)
{
    (void)state;
    for_every_problem(3, check_solve);
}

static void a_network_starts_as_zero_with_every_parameter_set(void **state)
{
    const flo_random_key key = {9, FLO_RANDOM_PARAMETERS, 3, 0};
    for (int s = 0; s < SHAPES; s++) {
        problem p;
        problem_create(*state, &shapes[s], B, 2, 0, 0, &p);
        fill_reals(p.layout.size, (double)NAN, p.theta);
        flo_masked_init(&p.masked, key, p.theta);
        assert_all_finite(shapes[s].name, p.layout.size, p.theta);
        assert_true(isnan(p.theta[p.layout.size]));
        flo_real *const out = problem_reals(*state, B * p.D * p.P);
        problem_forward(&p, p.x, out);
        for (int64_t i = 0; i < B * p.D * p.P; i++)
            assert_true(out[i] == 0);
        fill_reals(p.D * p.P, 3, p.theta + p.masked.network.output_bias);
        problem_forward(&p, p.x, out);
        for (int64_t i = 0; i < B * p.D * p.P; i++)
            assert_true(out[i] == 3);
    }
}

/* The weights of a row lie within 1 / sqrt(inputs that it sees) and fill that range;
   what it does not see is zero. */
static void weights_start_by_what_a_row_sees(void **state)
{
    const flo_random_key key = {9, FLO_RANDOM_PARAMETERS, 3, 0};
    problem p;
    problem_create(*state, &shapes[4], B, 0, 0, 0, &p);
    flo_masked_init(&p.masked, key, p.theta);
    const flo_tensor *const t = &p.layout.tensors[2];
    assert_string_equal(t->name, "hidden_1/weight");
    for (int64_t r = 0, at = t->offset; r < t->ragged->rows; r++) {
        const double seen = (double)t->ragged->seen[r];
        double most = 0;
        for (int64_t k = 0; k < t->ragged->length[r]; k++, at++) {
            const double size = fabs((double)p.theta[at]) * sqrt(seen);
            assert_true((size > 0) == (k < t->ragged->seen[r]));
            most = fmax(most, size);
        }
        assert_true(most > 0.5 && most <= 1 + 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_column_sees_all_columns_before_it_and_no_other),
        cmocka_unit_test(every_gradient_is_that_of_finite_differences),
        FIXTURE_TEST(the_gradient_is_right_for_every_activation),
        cmocka_unit_test(backward_adds_and_clears_what_no_row_sees),
        cmocka_unit_test(the_solve_is_that_of_a_pass_for_every_column),
        FIXTURE_TEST(a_network_starts_as_zero_with_every_parameter_set),
        FIXTURE_TEST(weights_start_by_what_a_row_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
