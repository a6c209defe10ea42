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
    flo_tally tally = {.timed = false};
    flo_tally_products(&tally);
    flo_product_nt(2, 3, 5, a, b, 0, c);
    flo_product_nn(7, 3, 5, a, b, 0, c);
    flo_product_tn(4, 3, 5, a, b, 0, c);
    flo_product_nt(2, 3, 5, a, b, 1, c);
    flo_product_nt(2, 3, 0, a, b, 1, c); /* nothing happens */
    flo_triangle_product(2, 5, a, true, false, c);
    flo_triangle_solve(3, 5, a, false, true, c);
    const flo_panel rows = {.rows = 2, .columns = 7, .length = 7};
    const flo_staircase whole = {7, 1, &rows, NULL};
    flo_staircase_forward(&whole, a, NULL, 3, b, c);
    flo_staircase_backward(&whole, a, NULL, 3, b, c);
    flo_staircase_gradient(&whole, NULL, 3, true, a, b, c);
    flo_tally_products(NULL);
    flo_product_nt(2, 3, 5, a, b, 0, c);
    assert_true(tally.work == 2 * 30 + 105 + 60 + 20 + 30 + 3 * 42);
    assert_true(tally.seconds == 0);
}

static void seconds_count_where_asked(void **state)
{
    (void)state;
    flo_tally tally = {.timed = true};
    flo_tally_products(&tally);
    for (int i = 0; i < 100; i++)
        flo_product_nt(20, 20, 20, a, b, 0, c);
    flo_tally_products(NULL);
    assert_true(tally.work == 100 * 8000);
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
        cmocka_unit_test(seconds_count_where_asked),
        cmocka_unit_test(threads_count_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
