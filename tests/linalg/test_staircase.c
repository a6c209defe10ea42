/* Products with a staircase against the same sums by scalars, to the bit. */
#include "linalg/fused.h"
#include "linalg/stairs.h"

static void forward_and_backward_by_scalars(const flo_staircase *s, int64_t B)
{
    for (int64_t i = 0; i < s->panels; i++)
        for (int64_t r = 0; r < panel[i].rows; r++) {
            const int64_t row = panel[i].row + r;
            const flo_real *const w = weight + panel[i].weight + r * panel[i].length;
            for (int64_t k = 0; k < seen[row]; k++)
                for (int64_t b = 0; b < B; b++) {
                    flo_real *const out = &y[1][row * B + b];
                    flo_real *const back = &dx[1][k * B + b];
                    *out = add_term(w[k], x[k * B + b], *out);
                    *back = add_term(w[k], dy[row * B + b], *back);
                }
        }
}

static void check_gradient(const flo_staircase *s, int64_t B)
{
    draw_normals(1005, 1, WEIGHTS, found);
    memcpy(wanted, found, sizeof found);
    flo_staircase_gradient(s, NULL, B, true, x, dy, found);
    for (int64_t i = 0; i < s->panels; i++)
        for (int64_t r = 0; r < panel[i].rows; r++) {
            const int64_t at = panel[i].weight + r * panel[i].length;
            const int64_t row = panel[i].row + r;
            for (int64_t k = 0; k < seen[row]; k++)
                for (int64_t b = 0; b < B; b++)
                    wanted[at + k] =
                        add_term(dy[row * B + b], x[k * B + b], wanted[at + k]);
            for (int64_t k = seen[row]; k < panel[i].columns; k++)
                wanted[at + k] = found[at + k]; /* without a meaning */
        }
    assert_same_bits("gradient", sizeof found, found, wanted);
}

/* What is not added to is as good as zero: what rows see gets the bits of a sum from
   there. */
static void check_fresh_gradient(const flo_staircase *s, int64_t B)
{
    fill_reals(WEIGHTS, 0, wanted);
    fill_reals(WEIGHTS, (double)NAN, found);
    flo_staircase_gradient(s, NULL, B, true, x, dy, wanted);
    flo_staircase_gradient(s, NULL, B, false, x, dy, found);
    for (int64_t i = 0; i < s->panels; i++)
        for (int64_t r = 0; r < panel[i].rows; r++) {
            const int64_t at = panel[i].weight + r * panel[i].length;
            assert_same_bits("fresh gradient",
                             (size_t)seen[panel[i].row + r] * sizeof *found, found + at,
                             wanted + at);
        }
}

static void products_have_the_bits_of_scalar_sums(void **state)
{
    (void)state;
    for (int n = 0; n < CASES; n++) {
        const bool large = cases[n].inputs > 400;
        for (int64_t B = 1; B <= MOST_B; B = B < 70 ? B + (large ? 23 : 1) : B + 187) {
            const flo_staircase s = set_up(&cases[n]);
            flo_staircase_forward(&s, weight, NULL, B, x, y[0]);
            flo_staircase_backward(&s, weight, NULL, B, dy, dx[0]);
            forward_and_backward_by_scalars(&s, B);
            assert_same_bits("forward", sizeof y[0], y[0], y[1]);
            assert_same_bits("backward", sizeof dx[0], dx[0], dx[1]);
            check_gradient(&s, B);
            check_fresh_gradient(&s, B);
        }
    }
}

/* Column b of from [rows, B], alone. */
static void take(int64_t rows, int64_t B, int64_t b, const flo_real *from, flo_real *to)
{
    for (int64_t i = 0; i < rows; i++)
        to[i] = from[i * B + b];
}

static void a_row_of_the_batch_has_the_bits_that_it_has_alone(void **state)
{
    (void)state;
    enum { B = 45 };
    flo_real one[INPUTS], out[ROWS], back[INPUTS], same[INPUTS];
    for (int n = 0; n < CASES; n++) {
        const flo_staircase s = set_up(&cases[n]);
        const int64_t rows = lay_out(&cases[n]), inputs = s.inputs;
        flo_staircase_forward(&s, weight, NULL, B, x, y[0]);
        flo_staircase_backward(&s, weight, NULL, B, dy, dx[0]);
        for (int64_t b = 0; b < B; b++) {
            take(inputs, B, b, x, one);
            take(rows, B, b, y[1], out);
            flo_staircase_forward(&s, weight, NULL, 1, one, out);
            take(rows, B, b, y[0], same);
            assert_same_bits("forward", (size_t)rows * sizeof *out, out, same);
            take(rows, B, b, dy, one);
            take(inputs, B, b, dx[1], back);
            flo_staircase_backward(&s, weight, NULL, 1, one, back);
            take(inputs, B, b, dx[0], same);
            assert_same_bits("backward", (size_t)inputs * sizeof *back, back, same);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_have_the_bits_of_scalar_sums),
        cmocka_unit_test(a_row_of_the_batch_has_the_bits_that_it_has_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
