/* Products of rounded numbers with a staircase against the same sums in double. */
#include "linalg/bf16.h"
#include "linalg/stairs.h"

/* x [n] rounded, as numbers. */
static flo_real *round_all(int64_t n, const flo_real *from)
{
    flo_bf16 *const copy = malloc((size_t)flo_bf16_room(n) * sizeof *copy);
    flo_real *const back = malloc((size_t)n * sizeof *back);
    assert_non_null(copy);
    assert_non_null(back);
    flo_bf16_round(n, from, copy);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)copy[i] << 16;
        float one;
        memcpy(&one, &bits, sizeof one);
        back[i] = (flo_real)one;
    }
    free(copy);
    return back;
}

static double sum_of(int64_t n, const flo_real *p, int64_t p_step, const flo_real *q,
                     int64_t q_step)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)p[i * p_step] * (double)q[i * q_step];
    return sum;
}

/* The three products of rounded numbers, of `weight`, x and dy in `w`, `u` and `d`. */
static void check_products(const flo_staircase *s, int64_t B, const flo_real *w,
                           const flo_real *u, const flo_real *d)
{
    double *const back = calloc((size_t)(s->inputs * B), sizeof *back);
    assert_non_null(back);
    for (int64_t i = 0; i < s->panels; i++)
        for (int64_t r = 0; r < panel[i].rows; r++) {
            const int64_t row = panel[i].row + r;
            const int64_t at = panel[i].weight + r * panel[i].length;
            for (int64_t j = 0; j < B; j++) {
                const double sum =
                    (double)y[1][row * B + j] + sum_of(seen[row], w + at, 1, u + j, B);
                assert_near(y[0][row * B + j], sum, 1e-4);
                for (int64_t k = 0; k < seen[row]; k++)
                    back[k * B + j] += (double)w[at + k] * (double)d[row * B + j];
            }
            for (int64_t k = 0; k < seen[row]; k++)
                assert_near(found[at + k],
                            (double)wanted[at + k] +
                                sum_of(B, d + row * B, 1, u + k * B, 1),
                            1e-4);
        }
    for (int64_t i = 0; i < s->inputs * B; i++)
        assert_near(dx[0][i], (double)dx[1][i] + back[i], 1e-4);
    free(back);
}

static void products_are_the_sums_of_rounded_products(void **state)
{
    (void)state;
    static const int64_t batches[] = {1, 2, 31, 64, 65, 130, MOST_B};
    static flo_bf16 copy[WEIGHTS + 32];
    for (int n = 0; n < CASES; n++)
        for (int k = 0; k < 7; k++) {
            const int64_t B = batches[k];
            const flo_staircase s = set_up(&cases[n]);
            const flo_rounded given = {weight, copy};
            flo_bf16_round(WEIGHTS, weight, copy);
            flo_real *const w = round_all(WEIGHTS, weight);
            flo_real *const u = round_all(s.inputs * B, x);
            flo_real *const d = round_all(ROWS * B, dy);
            draw_normals(1005, k % 2 ? 1 : 0, WEIGHTS, wanted);
            memcpy(found, wanted, sizeof found);
            flo_staircase_forward(&s, weight, &given, B, x, y[0]);
            flo_staircase_backward(&s, weight, &given, B, dy, dx[0]);
            if (k % 2 == 0)
                fill_reals(WEIGHTS, (double)NAN, found);
            flo_staircase_gradient(&s, &given, B, k % 2, x, dy, found);
            check_products(&s, B, w, u, d);
            free(w);
            free(u);
            free(d);
        }
}

static void a_row_has_the_bits_that_it_has_alone(void **state)
{
    (void)state;
    enum { B = 77, ROW = 70 };
    static flo_bf16 copy[WEIGHTS + 32];
    flo_real one[INPUTS], out[ROWS];
    for (int n = 0; n < CASES; n++) {
        const flo_staircase s = set_up(&cases[n]);
        const int64_t rows = lay_out(&cases[n]);
        const flo_rounded given = {weight, copy};
        flo_bf16_round(WEIGHTS, weight, copy);
        for (int64_t k = 0; k < s.inputs; k++)
            one[k] = x[k * B + ROW];
        for (int64_t i = 0; i < rows; i++)
            out[i] = y[0][i * B + ROW];
        flo_staircase_forward(&s, weight, &given, B, x, y[0]);
        flo_staircase_forward(&s, weight, &given, 1, one, out);
        for (int64_t i = 0; i < rows; i++)
            assert_same_bits("forward", sizeof *out, &out[i], &y[0][i * B + ROW]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_the_sums_of_rounded_products),
        cmocka_unit_test(a_row_has_the_bits_that_it_has_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
