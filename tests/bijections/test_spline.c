/* Rational-quadratic splines of single numbers: laws on random and on extreme splines.
 */
#include "bijections/spline.h"

#include "config/fixture.h"
#include "linalg/numbers.h"

#include <math.h>

enum { N = 1000, K = 8, P = 3 * K - 1 };

static const flo_spline_settings settings = {.bins = K, .tail_bound = 3};

/* N splines, raw parameters of this spread, and points that cover the interval and both
   tails. */
typedef struct points {
    flo_real u[N * P], x[N], y[N], slope[N], back[N], back_slope[N];
} points;

/* y and log-slopes of x with raw parameters, `element` reals from spline to spline. */
static void evaluate(const flo_spline_settings *s, bool invert, int64_t n,
                     int64_t element, const flo_real *raw, const flo_real *x,
                     flo_real *y, flo_real *slope)
{
    static flo_real u[N * P];
    static double logdet[N];
    const flo_spline_strides at = {.parameter = 1, .element = element, .value = 1};
    memset(logdet, 0, sizeof logdet);
    flo_spline_shares(s, n, &at, raw, u);
    if (invert)
        flo_spline_inverse(s, n, &at, u, x, y, logdet);
    else
        flo_spline_forward(s, n, &at, u, x, y, logdet);
    for (int64_t i = 0; i < n; i++)
        slope[i] = (flo_real)logdet[i];
}

static void forward(const flo_spline_settings *s, int64_t n, int64_t element,
                    const flo_real *raw, const flo_real *x, flo_real *y,
                    flo_real *slope)
{
    evaluate(s, false, n, element, raw, x, y, slope);
}

static void inverse(const flo_spline_settings *s, int64_t n, int64_t element,
                    const flo_real *raw, const flo_real *y, flo_real *x,
                    flo_real *slope)
{
    evaluate(s, true, n, element, raw, y, x, slope);
}

static void draw(points *p, double spread)
{
    draw_normals(1, spread, N * P, p->u);
    for (int i = 0; i < N; i++)
        p->x[i] = (flo_real)(-4 + 8.0 * i / (N - 1));
    forward(&settings, N, P, p->u, p->x, p->y, p->slope);
    inverse(&settings, N, P, p->u, p->y, p->back, p->back_slope);
}

static points p; /* too large for a stack */

static void zero_parameters_are_the_identity(void **state)
{
    (void)state;
    draw(&p, 0);
    for (int i = 0; i < N; i++) {
        assert_near(p.y[i], (double)p.x[i], near_enough);
        assert_near(p.slope[i], 0, near_enough);
    }
}

static void outside_the_interval_it_is_the_identity_to_the_bit(void **state)
{
    (void)state;
    draw(&p, 2);
    const double outside[] = {3, -3, 3.5, -1e6, 1e6, INFINITY, -INFINITY};
    for (int i = 0; i < 7; i++)
        p.x[i] = (flo_real)outside[i];
    forward(&settings, N, P, p.u, p.x, p.y, p.slope);
    inverse(&settings, N, P, p.u, p.y, p.back, p.back_slope);
    for (int i = 0; i < 7; i++) {
        assert_true(p.y[i] == p.x[i] && p.back[i] == p.x[i]);
        assert_true(p.slope[i] == 0 && p.back_slope[i] == 0);
    }
}

/* Steep splines magnify the rounding of y when they are undone: by their slope. */
static void the_inverse_undoes_it_for_any_spread(void **state)
{
    (void)state;
    const double spreads[] = {0.1, 1, 5, 30, 1000};
    for (int s = 0; s < 5; s++) {
        draw(&p, spreads[s]);
        for (int i = 0; i < N; i++) {
            assert_true(isfinite(p.y[i]) && isfinite(p.slope[i]) &&
                        isfinite(p.back[i]));
            const double magnified = 1 + exp(-(double)p.slope[i]);
            assert_near((double)(p.back[i] - p.x[i]) / magnified, 0, 10 * near_enough);
        }
    }
}

/* On one spline: increasing, log_slope its derivative, ends at the ends. */
static void it_increases_with_the_slope_that_it_says(void **state)
{
    (void)state;
    const double h = sizeof(flo_real) == 8 ? 1e-6 : 2e-3;
    draw(&p, 1);
    flo_real above[N], below[N], up[N], down[N], slope[N];
    for (int i = 0; i < N; i++) {
        p.x[i] = (flo_real)(-2.99 + 5.98 * i / (N - 1));
        above[i] = (flo_real)((double)p.x[i] + h);
        below[i] = (flo_real)((double)p.x[i] - h);
    }
    forward(&settings, N, 0, p.u, p.x, p.y, p.slope);
    forward(&settings, N, 0, p.u, above, up, slope);
    forward(&settings, N, 0, p.u, below, down, slope);
    for (int i = 0; i < N; i++) {
        assert_true(!i || p.y[i] > p.y[i - 1]);
        const double numerical =
            (double)(up[i] - down[i]) / ((double)above[i] - (double)below[i]);
        assert_near(exp((double)p.slope[i]) / numerical, 1,
                    sizeof(flo_real) == 8 ? 1e-4 : 0.1);
    }
}

/* Equal shares put the knots of x at known places: both neighbours of a knot agree
   there in value and slope, and so does the knot itself. */
static void knots_hit_exactly_belong_to_either_bin(void **state)
{
    (void)state;
    draw(&p, 1);
    for (int k = 0; k < K; k++)
        p.u[k] = 0; /* widths 6 / 8 */
    const flo_real tiny = sizeof(flo_real) == 8 ? (flo_real)1e-12 : (flo_real)1e-5;
    for (int k = 0; k <= K; k++) {
        const flo_real knot = (flo_real)(-3 + 0.75 * k);
        const flo_real x[3] = {knot - tiny, knot, knot + tiny};
        flo_real y[3], slope[3], back[3], back_slope[3];
        forward(&settings, 3, 0, p.u, x, y, slope);
        inverse(&settings, 3, 0, p.u, y, back, back_slope);
        for (int i = 0; i < 3; i++) {
            assert_near(y[i], (double)y[1], 10 * near_enough);
            assert_near(slope[i], (double)slope[1], 1e-3);
            assert_near(back[i], (double)x[i], 10 * near_enough);
        }
    }
}

/* Any number of elements, in any position of the vector, gives the same bits. */
static void bits_do_not_depend_on_the_company(void **state)
{
    (void)state;
    draw(&p, 1);
    for (int i = 0; i < 40; i++) {
        flo_real y, slope;
        forward(&settings, 1, P, p.u + i * P, p.x + i, &y, &slope);
        assert_same_bits("y alone", sizeof y, &y, &p.y[i]);
        assert_same_bits("slope alone", sizeof slope, &slope, &p.slope[i]);
    }
}

/* Parameters side by side, together, or copied from one layout to the other: same bits,
   in vectors and in the rest of a vector. */
static void bits_do_not_depend_on_the_layout(void **state)
{
    (void)state;
    enum { ROWS = 37, D = 3 };
    static flo_real u[2][ROWS * P], du[2][ROWS * P], x[ROWS * D], y[2][ROWS * D],
        dx[2][ROWS * D];
    static double logdet[2][ROWS], dlogdet[ROWS];
    const flo_spline_strides at[2] = {{1, P, D}, {ROWS, 1, D}};
    draw(&p, 1);
    draw_normals(5, 2, ROWS * D, x);
    draw_doubles(6, ROWS, dlogdet);
    for (int e = 0; e < ROWS; e++)
        for (int q = 0; q < P; q++)
            u[0][e * P + q] = u[1][q * ROWS + e] = p.u[e * P + q];
    for (int l = 0; l < 2; l++) {
        flo_spline_shares(&settings, ROWS, &at[l], u[l], u[l]);
        flo_spline_forward(&settings, ROWS, &at[l], u[l], x, y[l], logdet[l]);
        flo_spline_backward(&settings, ROWS, &at[l], u[l], x, x, dlogdet, dx[l], du[l]);
    }
    assert_same_bits("y", sizeof y[0], y[0], y[1]);
    assert_same_bits("logdet", sizeof logdet[0], logdet[0], logdet[1]);
    assert_same_bits("dx", sizeof dx[0], dx[0], dx[1]);
    for (int e = 0; e < ROWS; e++)
        for (int q = 0; q < P; q++)
            assert_true(du[0][e * P + q] == du[1][q * ROWS + e]);
    for (int e = 0; e < ROWS; e++) {
        flo_real alone[P], dx_alone;
        flo_spline_backward(&settings, 1, &at[0], u[0] + e * P, x + e * D, x + e * D,
                            dlogdet + e, &dx_alone, alone);
        assert_same_bits("dx alone", sizeof dx_alone, &dx_alone, &dx[0][e * D]);
        assert_same_bits("du alone", sizeof alone, alone, du[0] + e * P);
    }
}

/* The gradient of a spline that all elements share is the sum of theirs; those outside
   have none. */
static void a_shared_spline_has_the_sum_of_gradients(void **state)
{
    (void)state;
    enum { ROWS = 37 };
    static flo_real u[ROWS * P], du[ROWS * P], shared[P], x[ROWS], dx[ROWS];
    static double dlogdet[ROWS];
    draw(&p, 1);
    draw_normals(5, 2, ROWS, x);
    draw_doubles(6, ROWS, dlogdet);
    for (int e = 0; e < ROWS; e++)
        memcpy(u + e * P, p.u, P * sizeof *u);
    const flo_spline_strides apart = {1, P, 1}, together = {1, 0, 1};
    flo_spline_shares(&settings, ROWS, &apart, u, u);
    flo_spline_backward(&settings, ROWS, &apart, u, x, x, dlogdet, dx, du);
    flo_spline_backward(&settings, ROWS, &together, u, x, x, dlogdet, dx, shared);
    for (int q = 0; q < P; q++) {
        double sum = 0;
        for (int e = 0; e < ROWS; e++)
            sum += (double)du[e * P + q];
        assert_near(shared[q], sum, near_enough);
    }
    for (int e = 0; e < ROWS; e++)
        for (int q = 0; q < P; q++)
            assert_true((x[e] > -3 && x[e] < 3) || du[e * P + q] == 0);
}

/* Circular tails: 3 K raw parameters. */
static const flo_spline_settings circle = {
    .bins = K, .tail_bound = 3, .tails = FLO_TAILS_CIRCULAR};
enum { CIRCLE_P = 3 * K };

static void a_circle_has_a_slope_more(void **state)
{
    (void)state;
    assert_int_equal(flo_spline_parameters(&settings), P);
    assert_int_equal(flo_spline_parameters(&circle), CIRCLE_P);
    flo_real u[CIRCLE_P] = {0}, y[5], slope[5];
    const flo_real x[5] = {-1, 3, (flo_real)-2.999, 7, -100};
    forward(&circle, 5, 0, u, x, y, slope);
    for (int i = 0; i < 5; i++) {
        assert_near(y[i], (double)x[i], near_enough);
        assert_near(slope[i], 0, near_enough);
    }
}

static void every_turn_is_mapped_like_the_first(void **state)
{
    (void)state;
    flo_real u[CIRCLE_P];
    draw_normals(3, 1, CIRCLE_P, u);
    for (int turn = -3; turn <= 3; turn++)
        for (int i = 0; i < 50; i++) {
            const flo_real first = (flo_real)(-2.97 + 0.12 * i);
            const flo_real x[2] = {first, first + (flo_real)(6 * turn)};
            flo_real y[2], slope[2], back[2], back_slope[2];
            forward(&circle, 2, 0, u, x, y, slope);
            inverse(&circle, 2, 0, u, y, back, back_slope);
            assert_near(y[1] - y[0], 6 * turn, near_enough);
            assert_near(slope[1], (double)slope[0], 10 * near_enough);
            assert_near(back[1], (double)x[1], 10 * near_enough);
            assert_near(slope[1] + back_slope[1], 0, 10 * near_enough);
        }
}

/* The seam is a knot as others are: value and slope go on, and the slope is learned. */
static void the_seam_of_a_circle_is_smooth(void **state)
{
    (void)state;
    flo_real u[CIRCLE_P];
    draw_normals(4, 1, CIRCLE_P, u);
    const flo_real tiny = sizeof(flo_real) == 8 ? (flo_real)1e-12 : (flo_real)1e-5;
    const flo_real x[6] = {-3 - tiny, -3, -3 + tiny, 3 - tiny, 3, 3 + tiny};
    flo_real y[6], slope[6];
    forward(&circle, 6, 0, u, x, y, slope);
    for (int i = 0; i < 6; i++) {
        assert_near(y[i], i < 3 ? -3 : 3, 10 * near_enough);
        assert_near(slope[i], (double)slope[1], 1e-2);
    }
    const double c = log(expm1(1 - 1e-3));
    assert_near(slope[1], log(1e-3 + log1p(exp((double)u[2 * K] + c))), near_enough);
}

static void circles_are_undone_and_total(void **state)
{
    (void)state;
    const double spreads[] = {1, 30, 1000};
    flo_real u[40 * CIRCLE_P], x[40], y[40], slope[40], back[40], back_slope[40];
    for (int s = 0; s < 3; s++) {
        draw_normals(5, spreads[s], 40 * CIRCLE_P, u);
        for (int i = 0; i < 40; i++)
            x[i] = (flo_real)(-10 + 0.51 * i);
        x[0] = (flo_real)1e30;
        x[1] = (flo_real)-1e9;
        x[2] = (flo_real)INFINITY;
        x[3] = (flo_real)NAN;
        forward(&circle, 40, CIRCLE_P, u, x, y, slope);
        inverse(&circle, 40, CIRCLE_P, u, y, back, back_slope);
        assert_true(isinf(y[2]) && isnan(y[3]));
        for (int i = 0; i < 40; i++) {
            if (i == 2 || i == 3)
                continue;
            assert_true(isfinite(y[i]) && isfinite(slope[i]) && isfinite(back[i]));
            const double magnified = 1 + exp(-(double)slope[i]);
            if (i > 3)
                assert_near((double)(back[i] - x[i]) / magnified, 0, 10 * near_enough);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_parameters_are_the_identity),
        cmocka_unit_test(outside_the_interval_it_is_the_identity_to_the_bit),
        cmocka_unit_test(the_inverse_undoes_it_for_any_spread),
        cmocka_unit_test(it_increases_with_the_slope_that_it_says),
        cmocka_unit_test(knots_hit_exactly_belong_to_either_bin),
        cmocka_unit_test(bits_do_not_depend_on_the_company),
        cmocka_unit_test(bits_do_not_depend_on_the_layout),
        cmocka_unit_test(a_shared_spline_has_the_sum_of_gradients),
        cmocka_unit_test(a_circle_has_a_slope_more),
        cmocka_unit_test(every_turn_is_mapped_like_the_first),
        cmocka_unit_test(the_seam_of_a_circle_is_smooth),
        cmocka_unit_test(circles_are_undone_and_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
