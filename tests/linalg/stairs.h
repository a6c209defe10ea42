/* Staircases of all shapes, for tests of their products. */
#ifndef FLO_TESTS_LINALG_STAIRS_H
#define FLO_TESTS_LINALG_STAIRS_H

#include "linalg/numbers.h"
#include "linalg/staircase.h"

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
static inline int64_t lay_out(const stairs *c)
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
static inline void draw_weight(const stairs *c)
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

static inline flo_staircase set_up(const stairs *c)
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

#endif
