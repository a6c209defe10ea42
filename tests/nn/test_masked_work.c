/* The work of a masked network: the multiply-adds of its products. */
#include "linalg/tally.h"

#include "nn/problem.h"

enum { B = 3 };

static flo_tally tally;

/* Of the products since the last call. */
static int64_t multiply_adds(void)
{
    const double work = tally.work;
    tally = (flo_tally){.timed = false};
    flo_tally_products(&tally);
    return (int64_t)work;
}

/* The anchor of the documentation first. */
static const masked_shape shapes[] = {
    {"D = 63, hidden [512, 512]", 63, 2, 0, 0, 2, {512, 512}},
    {"splines", 21, 23, 0, 0, 2, {512, 512}},
    {"residual", 63, 2, 512, 2, 0, {0}},
    {"few columns", 6, 2, 0, 0, 2, {256, 256}},
    {"fewer units than columns", 12, 2, 0, 0, 2, {5, 9}},
    {"one column", 1, 2, 0, 0, 1, {7}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Weights that are parameters, weights with the zeros stored among them. */
static int64_t weights(const problem *p, bool stored)
{
    int64_t count = 0;
    for (int64_t i = 0; i < p->layout.count; i++) {
        const flo_tensor *const t = &p->layout.tensors[i];
        int64_t *index;
        const int64_t parameters = tensor_entries(t, true, &index);
        free(index);
        if (t->decay)
            count += stored ? t->count : parameters;
    }
    return count;
}

/* Multiply-adds of one row of the same network without degrees. */
static int64_t dense_weights(const masked_shape *s, int64_t C)
{
    if (s->width)
        return s->width * (s->D + C + s->D * s->P + s->blocks * (2 * s->width + C));
    int64_t count = C * s->hidden[0], inputs = s->D;
    for (int64_t l = 0; l < s->hidden_count; l++) {
        count += inputs * s->hidden[l];
        inputs = s->hidden[l];
    }
    return count + inputs * s->D * s->P;
}

static int64_t work_of_forward(const problem *p, flo_real *out)
{
    multiply_adds();
    problem_forward(p, p->x, out);
    return multiply_adds();
}

static int64_t work_of_backward(fixture *f, const problem *p)
{
    flo_real *const dx = problem_reals(f, B * p->D);
    flo_real *const dcontext = problem_reals(f, B * p->C);
    multiply_adds();
    flo_masked_backward(&p->masked, p->theta, &p->pass, p->x, p->dout, dx, dcontext,
                        p->dtheta);
    return multiply_adds();
}

static int64_t work_of_solve(fixture *f, const problem *p)
{
    target t = {p, p->x, 0};
    multiply_adds();
    flo_masked_solve(&p->masked, p->theta, &p->pass, target_column, &t,
                     problem_reals(f, B * p->D));
    return multiply_adds();
}

/* forward and backward multiply by each weight that is a parameter once and twice, and
   by some of the zeros stored among them; the solve by each parameter exactly once: no
   unit is computed again. */
static void every_weight_is_used_once(void **state)
{
    for (int s = 0; s < SHAPES; s++)
        for (int64_t C = 0; C <= 2; C += 2) {
            problem p;
            problem_create(*state, &shapes[s], B, C, 0, 0, &p);
            flo_real *const out = problem_reals(*state, B * p.D * p.P);
            const int64_t least = B * weights(&p, false), most = B * weights(&p, true);
            const int64_t forward = work_of_forward(&p, out);
            const int64_t backward = work_of_backward(*state, &p);
            assert_true(forward >= least && forward <= most);
            assert_true(backward >= 2 * least && backward <= 2 * most);
            assert_int_equal(work_of_solve(*state, &p), least);
        }
}

/* The masks themselves leave 1/2 + 1/(2 D) or so of the weights. */
static void half_the_work_of_a_dense_network(void **state)
{
    for (int s = 0; s < 3; s++) {
        problem p;
        problem_create(*state, &shapes[s], B, 0, 0, 0, &p);
        const double dense = (double)(B * dense_weights(&shapes[s], 0));
        const double forward = (double)work_of_forward(&p, p.dout);
        const double solve = (double)work_of_solve(*state, &p);
        if (!(forward < 0.56 * dense && solve < 0.55 * dense))
            fail_msg("%s: forward takes %.3f and the solve %.3f of the dense products",
                     shapes[s].name, forward / dense, solve / dense);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_weight_is_used_once),
        FIXTURE_TEST(half_the_work_of_a_dense_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
