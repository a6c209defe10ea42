/* Thin products against sums written out, and that a column does not care where it
   stands. */
#include "linalg/thin.h"

#include "linalg/numbers.h"

enum { N = 5, COLUMNS = 200, K = 11, ROW = K + 3 };

static void a_thin_product_adds_what_it_says(void **state)
{
    (void)state;
    flo_real w[N * ROW], x[K * COLUMNS], before[N * COLUMNS], y[N * COLUMNS];
    draw_normals(1, 1, N * ROW, w);
    draw_normals(2, 1, K * COLUMNS, x);
    draw_normals(3, 1, N * COLUMNS, before);
    static const int64_t columns[] = {1, 7, 128, 129, COLUMNS};
    for (int64_t i = 0; i < 5 * (N + 1) * (K + 1); i++) {
        const int64_t B = columns[i % 5], n = i / 5 % (N + 1), k = i / 5 / (N + 1);
        memcpy(y, before, sizeof y);
        flo_thin_product(n, B, k, w, ROW, x, y);
        for (int64_t at = 0; at < N * COLUMNS; at++) {
            double sum = (double)before[at];
            for (int64_t l = 0; l < k && at < n * B; l++)
                sum += (double)w[at / B * ROW + l] * (double)x[l * B + at % B];
            assert_near(y[at], sum, near_enough);
        }
    }
}

static void a_column_has_the_same_bits_wherever_it_stands(void **state)
{
    (void)state;
    flo_real w[N * K], x[K * COLUMNS], y[N * COLUMNS];
    draw_normals(1, 1, N * K, w);
    draw_normals(2, 1, K * COLUMNS, x);
    draw_normals(3, 1, N * COLUMNS, y);
    for (int64_t i = 1; i < COLUMNS; i++) {
        for (int64_t l = 0; l < K; l++)
            x[l * COLUMNS + i] = x[l * COLUMNS];
        for (int64_t r = 0; r < N; r++)
            y[r * COLUMNS + i] = y[r * COLUMNS];
    }
    flo_thin_product(N, COLUMNS, K, w, K, x, y);
    for (int64_t at = 0; at < N * COLUMNS; at++)
        assert_same_bits("column", sizeof *y, &y[at], &y[at / COLUMNS * COLUMNS]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thin_product_adds_what_it_says),
        cmocka_unit_test(a_column_has_the_same_bits_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
