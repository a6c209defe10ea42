/* Products with a staircase against the same sums by scalars, to the bit. */
#include "linalg/staircase.h"

#include "linalg/fused.h"
#include "linalg/numbers.h"

enum { PANELS = 4, ROWS = 310, INPUTS = 540, MOST_B = 257, WEIGHTS = 330 * 530 };

typedef struct stairs {
    int64_t inputs, panels;
    int64_t rows[PANELS], columns[PANELS];
    bool dense; /* every row sees its whole panel */
} stairs;

static const stairs cases[] = {
    {1, 1, {1}, {1}, true},
    {7, 1, {5}, {7}, true},
    {33, 1, {12}, {33}, true},
    {300, 1, {13}, {300}, true},
    {520, 1, {300}, {520}, true},
    {70, 4, {3, 0, 20, 7}, {0, 5, 40, 64}, true},
    {70, 4, {3, 0, 20, 7}, {0, 5, 40, 64}, false},
    {280, 3, {4, 30, 6}, {0, 3, 270}, false},
    {40, 1, {90}, {20}, false},
    {530, 2, {290, 11}, {400, 520}, false},
    {9, 2, {4, 5}, {0, 0}, false},
};
enum { CASES = sizeof cases / sizeof *cases };

static flo_panel panel[PANELS];
static int64_t seen[ROWS];
static flo_real weight[WEIGHTS], found[WEIGHTS], wanted[WEIGHTS];
static flo_real x[INPUTS * MOST_B], dx[2][INPUTS * MOST_B];
static flo_real dy[ROWS * MOST_B], y[2][ROWS * MOST_B];

/* Panels with rows three longer than what is stored; rows see evenly more. */
static int64_t lay_out(const stairs *c)
{
    int64_t row = 0, at = 2, before = 0;
    for (int64_t i = 0; i < c->panels; i++) {
        const int64_t rows = c->rows[i], columns = c->columns[i];
        panel[i] = (flo_panel){row, rows, columns, columns + 3, at};
        for (int64_t r = 0; r < rows; r++)
            seen[row + r] =
                c->dense ? columns : before + (columns - before) * (r + 1) / rows;
        row += rows;
        at += rows * (columns + 3);
        before = columns;
    }
    assert_true(row <= ROWS && at <= WEIGHTS && c->inputs <= INPUTS);
    return row;
}

/* Zero where a row does not see, no number where nothing is stored. */
static void draw_weight(const stairs *c)
{
    flo_real drawn[INPUTS];
    fill_reals(WEIGHTS, (double)NAN, weight);
    for (int64_t i = 0; i < c->panels; i++)
        for (int64_t r = 0; r < panel[i].rows; r++) {
            flo_real *const row = weight + panel[i].weight + r * panel[i].length;
            draw_normals((uint64_t)(panel[i].row + r), 1, INPUTS, drawn);
            for (int64_t k = 0; k < panel[i].columns; k++)
                row[k] = k < seen[panel[i].row + r] ? drawn[k] : 0;
        }
}

static flo_staircase set_up(const stairs *c)
{
    lay_out(c);
    draw_weight(c);
    draw_normals(1001, 1, INPUTS * MOST_B, x);
    draw_normals(1002, 1, ROWS * MOST_B, dy);
    for (int i = 0; i < 2; i++) {
        draw_normals(1003, 1, INPUTS * MOST_B, dx[i]);
        draw_normals(1004, 1, ROWS * MOST_B, y[i]);
    }
    return (flo_staircase){c->inputs, c->panels, panel, c->dense ? NULL : seen};
}

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
