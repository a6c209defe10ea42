/* The work of a masked network, counted: this program has products of its own in place
   of those of the BLAS and of linalg/thin.h, and counts their multiply-adds. */
#include "linalg/thin.h"

#include "nn/problem.h"

#include <cblas.h>

enum { B = 3 };

#ifdef FLOTILLA_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

static int64_t multiply_adds;

void GEMM(OPENBLAS_CONST enum CBLAS_ORDER order,
          OPENBLAS_CONST enum CBLAS_TRANSPOSE left,
          OPENBLAS_CONST enum CBLAS_TRANSPOSE right, OPENBLAS_CONST blasint rows,
          OPENBLAS_CONST blasint columns, OPENBLAS_CONST blasint inner,
          OPENBLAS_CONST flo_real alpha, OPENBLAS_CONST flo_real *a,
          OPENBLAS_CONST blasint a_row, OPENBLAS_CONST flo_real *b,
          OPENBLAS_CONST blasint b_row, OPENBLAS_CONST flo_real beta, flo_real *c,
          OPENBLAS_CONST blasint c_row)
{
    assert_true(order == CblasRowMajor && alpha == 1);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            flo_real sum = 0;
            for (int64_t k = 0; k < inner; k++, multiply_adds++)
                sum += (left == CblasTrans ? a[k * a_row + i] : a[i * a_row + k]) *
                       (right == CblasTrans ? b[j * b_row + k] : b[k * b_row + j]);
            flo_real *const to = &c[i * c_row + j];
            *to = beta == 0 ? sum : beta * *to + sum;
        }
}

void flo_thin_product(int64_t n, int64_t columns, int64_t k, const flo_real *w,
                      int64_t w_row, const flo_real *x, flo_real *y)
{
    for (int64_t i = 0; i < n * columns; i++)
        for (int64_t l = 0; l < k; l++, multiply_adds++)
            y[i] += w[i / columns * w_row + l] * x[l * columns + i % columns];
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
    multiply_adds = 0;
    problem_forward(p, p->x, out);
    return multiply_adds;
}

static int64_t work_of_backward(fixture *f, const problem *p)
{
    flo_real *const dx = problem_reals(f, B * p->D);
    flo_real *const dcontext = problem_reals(f, B * p->C);
    multiply_adds = 0;
    flo_masked_backward(&p->masked, p->theta, &p->pass, p->x, p->dout, dx, dcontext,
                        p->dtheta);
    return multiply_adds;
}

static int64_t work_of_solve(fixture *f, const problem *p)
{
    target t = {p, p->x, 0};
    multiply_adds = 0;
    flo_masked_solve(&p->masked, p->theta, &p->pass, target_column, &t,
                     problem_reals(f, B * p->D));
    return multiply_adds;
}

/* forward and backward multiply by each stored weight once and twice, the solve by each
   weight that is a parameter exactly once: no unit is computed again. */
static void every_weight_is_used_once(void **state)
{
    for (int s = 0; s < SHAPES; s++)
        for (int64_t C = 0; C <= 2; C += 2) {
            problem p;
            problem_create(*state, &shapes[s], B, C, 0, 0, &p);
            flo_real *const out = problem_reals(*state, B * p.D * p.P);
            assert_int_equal(work_of_forward(&p, out), B * weights(&p, true));
            assert_int_equal(work_of_backward(*state, &p), 2 * B * weights(&p, true));
            assert_int_equal(work_of_solve(*state, &p), B * weights(&p, false));
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
        if (!(forward < 0.6 * dense && solve < 0.55 * dense))
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
