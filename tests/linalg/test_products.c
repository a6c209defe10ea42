/* The products against sums written out in double. */
#include "linalg/products.h"

#include "linalg/numbers.h"

enum { MOST = 40 * 40 };

typedef struct shape {
    int64_t B, n, k;
} shape;

static const shape shapes[] = {{1, 1, 1},  {1, 7, 3},    {5, 1, 4},   {3, 2, 1},
                               {16, 8, 4}, {17, 19, 23}, {40, 33, 40}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* a [rows, columns] or its transpose, as a function of two indices. */
static double at(const flo_real *a, int64_t columns, bool transposed, int64_t i,
                 int64_t j)
{
    return (double)(transposed ? a[j * columns + i] : a[i * columns + j]);
}

/* out [rows, columns] = a b + beta before, over `inner`. */
static void check(const char *what, int64_t rows, int64_t columns, int64_t inner,
                  const flo_real *a, int64_t a_columns, bool a_transposed,
                  const flo_real *b, int64_t b_columns, bool b_transposed, double beta,
                  const flo_real *before, const flo_real *out)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = beta == 0 ? 0 : beta * (double)before[i * columns + j];
            for (int64_t l = 0; l < inner; l++)
                sum += at(a, a_columns, a_transposed, i, l) *
                       at(b, b_columns, b_transposed, l, j);
            if (!is_near((double)out[i * columns + j], sum, near_enough))
                fail_msg("%s [%lld, %lld]: found %.12g, wanted %.12g", what,
                         (long long)i, (long long)j, (double)out[i * columns + j], sum);
        }
}

static void the_three_products_are_what_they_say(void **state)
{
    (void)state;
    flo_real x[MOST], w[MOST], before[MOST], out[MOST];
    draw_normals(1, 1, MOST, x);
    draw_normals(2, 1, MOST, w);
    draw_normals(3, 1, MOST, before);
    const double betas[] = {0, 1, 0.5};
    for (int s = 0; s < SHAPES; s++)
        for (int b = 0; b < 3; b++) {
            const int64_t B = shapes[s].B, n = shapes[s].n, k = shapes[s].k;
            const flo_real beta = (flo_real)betas[b];
            memcpy(out, before, sizeof out);
            flo_product_nt(B, n, k, x, w, beta, out);
            check("nt", B, n, k, x, k, false, w, k, true, betas[b], before, out);
            memcpy(out, before, sizeof out);
            flo_product_nn(B, n, k, x, w, beta, out);
            check("nn", B, n, k, x, k, false, w, n, false, betas[b], before, out);
            memcpy(out, before, sizeof out);
            flo_product_tn(B, n, k, x, w, beta, out);
            check("tn", n, k, B, x, n, true, w, k, false, betas[b], before, out);
        }
}

static void a_product_of_nothing_changes_nothing(void **state)
{
    (void)state;
    flo_real x[4] = {1, 2, 3, 4}, y[4] = {5, 6, 7, 8};
    const flo_real before[4] = {5, 6, 7, 8};
    flo_product_nt(2, 2, 0, x, x, 1, y);
    flo_product_nn(2, 0, 2, x, x, 1, y);
    flo_product_tn(0, 2, 2, x, x, 1, y);
    assert_same_bits("y", sizeof y, y, before);
}

/* beta 0 must not read what was there: memory of a pass is not set before. */
static void beta_zero_overwrites_nan(void **state)
{
    (void)state;
    flo_real x[35], w[35], out[49];
    draw_normals(4, 1, 35, x);
    draw_normals(5, 1, 35, w);
    fill_reals(49, (double)NAN, out);
    flo_product_nt(7, 7, 5, x, w, 0, out);
    assert_all_finite("nt", 49, out);
    fill_reals(49, (double)NAN, out);
    flo_product_nn(5, 5, 7, x, w, 0, out);
    assert_all_finite("nn", 25, out);
    fill_reals(49, (double)NAN, out);
    flo_product_tn(5, 7, 7, x, w, 0, out);
    assert_all_finite("tn", 49, out);
}

/* The unit triangle of a [n, n] written out. */
static void triangle_of(int64_t n, const flo_real *a, bool lower, flo_real *t)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            t[i * n + j] = i == j ? 1 : (j < i) == lower ? a[i * n + j] : 0;
}

static void triangles_multiply_and_solve(void **state)
{
    (void)state;
    flo_real a[MOST], t[MOST], y[MOST], out[MOST];
    for (int s = 0; s < SHAPES; s++)
        for (int way = 0; way < 4; way++) {
            const int64_t B = shapes[s].B, n = shapes[s].n;
            const bool lower = way & 1, transposed = way & 2;
            draw_normals(6, 0.3, MOST, a);
            draw_normals(7, 1, MOST, y);
            triangle_of(n, a, lower, t);
            for (int64_t j = 0; j < n; j++)
                a[j * n + j] = (flo_real)NAN; /* the diagonal is not read */
            memcpy(out, y, sizeof out);
            flo_triangle_product(B, n, a, lower, transposed, out);
            check("triangle", B, n, n, y, n, false, t, n, transposed, 0, y, out);
            flo_triangle_solve(B, n, a, lower, transposed, out);
            assert_all_near("solve undoes product", B * n, out, y, 10 * near_enough);
        }
}

static void the_library_says_what_it_is(void **state)
{
    (void)state;
    assert_true(strlen(flo_blas_start()) > 0);
    assert_non_null(strstr(flo_blas_library(), "OpenBLAS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_products_are_what_they_say),
        cmocka_unit_test(a_product_of_nothing_changes_nothing),
        cmocka_unit_test(beta_zero_overwrites_nan),
        cmocka_unit_test(triangles_multiply_and_solve),
        cmocka_unit_test(the_library_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
