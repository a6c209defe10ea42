/* Products counted: what they come to, by hand. */
#include "linalg/tally.h"

#include "linalg/products.h"
#include "linalg/staircase.h"

#include "linalg/numbers.h"

#include <omp.h>

enum { MOST = 20 * 20 };

static flo_real a[MOST], b[MOST], c[MOST];

static void every_product_counts(void **state)
{
    (void)state;
    const flo_panel panel = {0, 2, 7, 7, 0};
    const flo_staircase dense = {7, 1, &panel, NULL};
    flo_tally tally = {.timed = false};
    flo_tally_products(&tally);
    flo_product_nt(2, 3, 5, a, b, 0, c);
    flo_product_nn(7, 3, 5, a, b, 0, c);
    flo_product_tn(4, 3, 5, a, b, 0, c);
    flo_product_nt(2, 3, 5, a, b, 1, c);
    flo_product_nt(2, 3, 0, a, b, 1, c); /* nothing happens */
    flo_triangle_product(2, 5, a, true, false, c);
    flo_triangle_solve(3, 5, a, false, true, c);
    flo_staircase_forward(&dense, a, 3, b, c);
    flo_staircase_backward(&dense, a, 3, b, c);
    flo_staircase_gradient(&dense, 3, a, b, c);
    flo_tally_products(NULL);
    flo_product_nt(2, 3, 5, a, b, 0, c);
    assert_true(tally.work == 2 * 30 + 105 + 60 + 20 + 30 + 3 * 42);
    assert_true(tally.seconds == 0);
    static const flo_product_shape wanted[] = {
        {false, true, 2, 3, 5}, {false, false, 7, 3, 5}, {true, false, 3, 5, 4}};
    static const int64_t calls[] = {2, 1, 1};
    assert_int_equal(tally.shapes, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tally.calls[i], calls[i]);
        assert_int_equal(tally.shape[i].left_transposed, wanted[i].left_transposed);
        assert_int_equal(tally.shape[i].right_transposed, wanted[i].right_transposed);
        assert_int_equal(tally.shape[i].rows, wanted[i].rows);
        assert_int_equal(tally.shape[i].columns, wanted[i].columns);
        assert_int_equal(tally.shape[i].inner, wanted[i].inner);
    }
}

/* More shapes than fit are left out, and their work counts all the same. */
static void shapes_that_do_not_fit_are_left_out(void **state)
{
    (void)state;
    flo_tally tally = {.timed = true};
    double work = 0;
    flo_tally_products(&tally);
    for (int64_t n = 1; n <= 10; n++)
        for (int64_t k = 1; k <= 10; k++) {
            flo_product_nt(1, n, k, a, b, 0, c);
            work += (double)(n * k);
        }
    flo_tally_products(NULL);
    assert_int_equal(tally.shapes, FLO_TALLY_SHAPES);
    assert_true(tally.work == work);
    assert_true(tally.seconds > 0);
}

static void threads_count_for_themselves(void **state)
{
    (void)state;
    flo_tally tally[2] = {{.timed = false}, {.timed = false}};
    int threads = 0;
#pragma omp parallel num_threads(2)
    {
        flo_real out[6];
#pragma omp single
        threads = omp_get_num_threads();
        flo_tally_products(&tally[omp_get_thread_num()]);
        for (int i = 0; i <= omp_get_thread_num(); i++)
            flo_product_nt(2, 3, 5, a, b, 0, out);
        flo_tally_products(NULL);
    }
    assert_int_equal(threads, 2);
    assert_true(tally[0].work == 30);
    assert_true(tally[1].work == 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_product_counts),
        cmocka_unit_test(shapes_that_do_not_fit_are_left_out),
        cmocka_unit_test(threads_count_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
