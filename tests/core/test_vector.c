/* Vector functions: errors in units in the last place against libm in long double,
   exact limits, the same bits wherever an element stands, and sums in a fixed order. */
#include "core/context.h"
#include "core/elementary.h"
#include "core/vector.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef FLOTILLA_DOUBLE
#define REAL_MAX DBL_MAX
#define REAL_DIGITS DBL_MANT_DIG
#define REAL_LEAST_EXPONENT DBL_MIN_EXP
#define REAL_LEAST 0x1p-1074
#else
#define REAL_MAX FLT_MAX
#define REAL_DIGITS FLT_MANT_DIG
#define REAL_LEAST_EXPONENT FLT_MIN_EXP
#define REAL_LEAST 0x1p-149f
#endif

typedef long double wide;
typedef void map(int64_t n, const flo_real *x, flo_real *y);

static wide wide_sigmoid(wide x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static wide wide_softplus(wide x)
{
    return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

/* libm's sinl(2 pi u) is inexact near multiples of pi; a quarter turn taken off first
   is exact. */
static wide wide_sine(wide u)
{
    const wide two_pi = 6.283185307179586476925286766559L;
    const wide q = roundl(4 * u), r = u - q / 4;
    const wide s = (int)q & 1 ? cosl(two_pi * r) : sinl(two_pi * r);
    return (int)q & 2 ? -s : s;
}

static wide wide_cosine(wide u)
{
    const wide two_pi = 6.283185307179586476925286766559L;
    const wide q = roundl(4 * u), r = u - q / 4;
    const wide c = (int)q & 1 ? sinl(two_pi * r) : cosl(two_pi * r);
    return ((int)q + 1) & 2 ? -c : c;
}

static void sine(int64_t n, const flo_real *u, flo_real *y)
{
    flo_real unused[1024];
    assert_true(n <= 1024);
    flo_vector_sincos_turns(n, u, y, unused);
}

static void cosine(int64_t n, const flo_real *u, flo_real *y)
{
    flo_real unused[1024];
    assert_true(n <= 1024);
    flo_vector_sincos_turns(n, u, unused, y);
}

static wide wide_log1m_exp(wide x)
{
    return x < 0.7L ? logl(-expm1l(-x)) : log1pl(-expl(-x));
}

static wide wide_log_sigmoid(wide x)
{
    return -wide_softplus(-x);
}

static wide wide_log_logistic(wide x)
{
    return -fabsl(x) - 2 * log1pl(expl(-fabsl(x)));
}

static wide wide_logit(wide p)
{
    return p > 0.25L && p < 0.75L ? log1pl((2 * p - 1) / (1 - p)) : logl(p / (1 - p));
}

/* Functions that are inline alone. */
#define LOOP(name)                                                                     \
    static void loop_##name(int64_t n, const flo_real *x, flo_real *y)                 \
    {                                                                                  \
        FLO_INDEPENDENT                                                                \
        for (int64_t i = 0; i < n; i++)                                                \
            y[i] = flo_##name(x[i]);                                                   \
    }

LOOP(log1p)
LOOP(expm1)
LOOP(log1m_exp)
LOOP(log_sigmoid)
LOOP(log_logistic)
LOOP(atanh)
LOOP(logit)

/* Of -|x|, where it is defined. */
static flo_real one_exp_nonpositive(flo_real x)
{
    return flo_exp_nonpositive(-flo_magnitude(x));
}

static void exp_nonpositive(int64_t n, const flo_real *x, flo_real *y)
{
    FLO_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = one_exp_nonpositive(x[i]);
}

static wide wide_exp_nonpositive(wide x)
{
    const wide inside = -fabsl(x);
    return expl(inside < FLO_EXP_LOWEST_NORMAL ? FLO_EXP_LOWEST_NORMAL : inside);
}

static flo_real one_sine(flo_real u)
{
    flo_real s, c;
    flo_sincos_turns(u, &s, &c);
    return s;
}

static flo_real one_cosine(flo_real u)
{
    flo_real s, c;
    flo_sincos_turns(u, &s, &c);
    return c;
}

static const struct function {
    const char *name;
    map *ours;
    flo_real (*one)(flo_real); /* the inline function behind it */
    wide (*reference)(wide);
    double limit;   /* of the error, ulp */
    wide low, high; /* where it is swept densely */
} functions[] = {
    {"exp", flo_vector_exp, flo_exp, expl, 1.5, -750, 715},
    {"exp_nonpositive", exp_nonpositive, one_exp_nonpositive, wide_exp_nonpositive, 1.5,
     0, 750},
    {"log", flo_vector_log, flo_log, logl, 1.5, 0, 4},
    {"tanh", flo_vector_tanh, flo_tanh, tanhl, 3.0, -25, 25},
    {"sigmoid", flo_vector_sigmoid, flo_sigmoid, wide_sigmoid, 2.5, -750, 50},
    {"softplus", flo_vector_softplus, flo_softplus, wide_softplus, 2.5, -750, 50},
    {"log1p", loop_log1p, flo_log1p, log1pl, 2.0, -1.001L, 5},
    {"expm1", loop_expm1, flo_expm1, expm1l, 2.0, -50, 50},
    {"log1m_exp", loop_log1m_exp, flo_log1m_exp, wide_log1m_exp, 2.5, -0.001L, 4},
    {"log_sigmoid", loop_log_sigmoid, flo_log_sigmoid, wide_log_sigmoid, 2.5, -50, 750},
    {"log_logistic", loop_log_logistic, flo_log_logistic, wide_log_logistic, 2.0, -50,
     50},
    {"atanh", loop_atanh, flo_atanh, atanhl, 2.5, -1.001L, 1.001L},
    {"logit", loop_logit, flo_logit, wide_logit, 3.0, -0.001L, 1.001L},
    {"sine", sine, one_sine, wide_sine, 1.5, 0, 1},
    {"cosine", cosine, one_cosine, wide_cosine, 1.5, 0, 1}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* |y - exact| in units in the last place of exact; 0 where both overflow. */
static double error_ulp(flo_real y, wide exact)
{
    if (isnan(y) || isnan(exact))
        return isnan(y) && isnan(exact) ? 0 : (double)INFINITY;
    if (y == (flo_real)exact)
        return isinf(y) ? 0 : (double)(fabsl(y - exact) > 0 ? 0.5 : 0);
    if (isinf(exact))
        return (double)INFINITY;
    const wide finite = isinf(y) ? copysignl((wide)REAL_MAX, y) : (wide)y;
    int exponent;
    frexpl(exact, &exponent);
    if (exponent < REAL_LEAST_EXPONENT)
        exponent = REAL_LEAST_EXPONENT;
    return (double)ldexpl(fabsl(finite - exact), REAL_DIGITS - exponent);
}

static void check_errors(const struct function *f, int64_t n, const flo_real *x)
{
    flo_real y[1024];
    f->ours(n, x, y);
    for (int64_t i = 0; i < n; i++) {
        const double error = error_ulp(y[i], f->reference(x[i]));
        if (!(error <= f->limit))
            fail_msg("%s(%a) = %a errs by %g ulp", f->name, (double)x[i], (double)y[i],
                     error);
    }
}

static void errors_are_a_few_ulp_where_it_matters(void **state)
{
    (void)state;
    flo_real x[1024];
    for (int k = 0; k < FUNCTIONS; k++)
        for (int64_t block = 0; block < 1000; block++) {
            const struct function *const f = &functions[k];
            for (int64_t i = 0; i < 1024; i++)
                x[i] = (flo_real)(f->low + (f->high - f->low) *
                                               ((wide)(block * 1024 + i) / 1023999));
            check_errors(f, 1024, x);
        }
}

/* Every exponent and sign, subnormal numbers, infinities and NaN included. */
static void errors_are_a_few_ulp_over_all_encodings(void **state)
{
    (void)state;
    flo_real x[1024];
    const flo_real_bits stride = ~(flo_real_bits)0 / (1000 * 1024);
    for (int k = 0; k < FUNCTIONS; k++)
        for (int64_t block = 0; block < 1000; block++) {
            const struct function *const f = &functions[k];
            for (int64_t i = 0; i < 1024; i++) {
                x[i] = flo_real_of_bits((flo_real_bits)(block * 1024 + i) * stride);
                if (f->high == 1 && !(x[i] >= 0 && x[i] <= 1))
                    x[i] = (flo_real)0.25;
            }
            check_errors(f, 1024, x);
        }
}

static void limits_are_exact(void **state)
{
    (void)state;
    const flo_real infinity = (flo_real)INFINITY;
    assert_true(flo_exp(infinity) == infinity && flo_exp(-infinity) == 0);
    assert_true(flo_exp(0) == 1 && flo_exp(REAL_MAX) == infinity);
    assert_true(flo_exp(-REAL_MAX) == 0);
    assert_true(flo_exp_nonpositive(0) == 1 && flo_exp_nonpositive(-infinity) > 0);
    assert_true(isnan(flo_exp_nonpositive((flo_real)NAN)));
    assert_true(flo_log(0) == -infinity && flo_log(-(flo_real)0.0) == -infinity);
    assert_true(flo_log(infinity) == infinity && flo_log(1) == 0);
    assert_true(isnan(flo_log(-1)) && isnan(flo_log(-infinity)));
    assert_true(isnan(flo_log(-REAL_LEAST)) && isfinite(flo_log(REAL_LEAST)));
    assert_true(flo_tanh(infinity) == 1 && flo_tanh(-infinity) == -1);
    assert_true(flo_tanh(REAL_MAX) == 1 && flo_tanh(REAL_LEAST) == REAL_LEAST);
    assert_true(flo_tanh(-(flo_real)0.0) == 0 && signbit(flo_tanh(-(flo_real)0.0)));
    assert_true(flo_sigmoid(infinity) == 1 && flo_sigmoid(-infinity) == 0);
    assert_true(flo_sigmoid(0) == (flo_real)0.5);
    assert_true(flo_softplus(infinity) == infinity && flo_softplus(-infinity) == 0);
    assert_true(flo_softplus(REAL_MAX) == REAL_MAX);
    assert_true(flo_log1p(infinity) == infinity && flo_log1p(-1) == -infinity);
    assert_true(flo_log1p(REAL_LEAST) == REAL_LEAST && isnan(flo_log1p(-2)));
    assert_true(flo_expm1(infinity) == infinity && flo_expm1(-infinity) == -1);
    assert_true(flo_expm1(REAL_LEAST) == REAL_LEAST && flo_expm1(0) == 0);
    assert_true(flo_log1m_exp(infinity) == 0 && flo_log1m_exp(0) == -infinity);
    assert_true(isnan(flo_log1m_exp(-1)));
    assert_true(flo_log_sigmoid(infinity) == 0);
    assert_true(flo_log_sigmoid(-REAL_MAX) == -REAL_MAX);
    assert_true(flo_log_logistic(infinity) == -infinity);
    assert_true(flo_log_logistic(REAL_MAX) == -REAL_MAX);
    assert_true(flo_atanh(1) == infinity && flo_atanh(-1) == -infinity);
    assert_true(flo_atanh(-REAL_LEAST) == -REAL_LEAST && isnan(flo_atanh(REAL_MAX)));
    assert_true(flo_logit(0) == -infinity && flo_logit(1) == infinity);
    assert_true(flo_logit((flo_real)0.5) == 0 && isfinite(flo_logit(REAL_LEAST)));
    assert_true(isnan(flo_logit(-REAL_LEAST)) && isnan(flo_logit(2)));
    for (int k = 0; k < FUNCTIONS - 2; k++)
        assert_true(isnan(functions[k].one((flo_real)NAN)));
    for (int q = 0; q <= 4; q++) {
        const int sines[] = {0, 1, 0, -1, 0}, cosines[] = {1, 0, -1, 0, 1};
        assert_true(one_sine((flo_real)0.25 * (flo_real)q) == (flo_real)sines[q]);
        assert_true(one_cosine((flo_real)0.25 * (flo_real)q) == (flo_real)cosines[q]);
    }
}

/* Arguments of all sizes, those first on which the kernels select. */
static void fill_arguments(int64_t n, flo_real *x)
{
    const flo_real special[] = {0, (flo_real)INFINITY, -1, (flo_real)NAN, REAL_LEAST,
                                1, (flo_real)-INFINITY};
    for (int64_t i = 0; i < n; i++)
        x[i] = i < 7
                   ? special[i]
                   : (flo_real)ldexp(1 + (double)(i % 13) / 7, (int)(i * 5 % 37) - 25) *
                         (i % 3 ? 1 : -1);
}

static void assert_same(const char *name, flo_real a, flo_real b)
{
    if (isnan(a) ? !isnan(b) : flo_bits_of_real(a) != flo_bits_of_real(b))
        fail_msg("%s: %a and %a differ", name, (double)a, (double)b);
}

/* Any length and offset, in place or not: what the inline function gives alone. */
static void an_element_has_the_same_bits_everywhere(void **state)
{
    (void)state;
    enum { N = 97 };
    flo_real x[N], y[N + 1];
    for (int k = 0; k < FUNCTIONS; k++) {
        const struct function *const f = &functions[k];
        fill_arguments(N, x);
        for (int64_t i = 0; f->high == 1 && i < N; i++)
            x[i] = (flo_real)i / (flo_real)(N - 1);
        for (int64_t start = 0; start < 20; start++)
            for (int64_t n = 0; n <= N - start; n++) {
                y[n] = 42;
                f->ours(n, x + start, y);
                for (int64_t i = 0; i < n; i++)
                    assert_same(f->name, y[i], f->one(x[start + i]));
                assert_true(y[n] == 42);
            }
        for (int64_t i = 0; i < N; i++)
            y[i] = x[i];
        f->ours(N, y, y);
        for (int64_t i = 0; i < N; i++)
            assert_same(f->name, y[i], f->one(x[i]));
    }
}

static void sums_are_right_and_depend_on_the_values_alone(void **state)
{
    (void)state;
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    enum { N = 20011 };
    flo_real *x;
    assert_int_equal(flo_allocate(context, N + 64, sizeof *x, &x), FLO_OK);
    const int64_t lengths[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 8192, N};
    for (int k = 0; k < (int)(sizeof lengths / sizeof *lengths); k++) {
        double sum = 0, squares = 0;
        for (int shift = 0; shift < 5; shift++) {
            wide exact = 0, exact_squares = 0, size = 0;
            for (int64_t i = 0; i < lengths[k]; i++) {
                x[i + shift] = (flo_real)sin((double)(i * i % 1009));
                exact += x[i + shift];
                size += fabsl((wide)x[i + shift]);
                exact_squares += (wide)x[i + shift] * x[i + shift];
            }
            const double s = flo_vector_sum(lengths[k], x + shift);
            const double t = flo_vector_sum_squares(lengths[k], x + shift);
            assert_true(fabsl(s - exact) <= 1e-14L * size);
            assert_true(fabsl(t - exact_squares) <= 1e-14L * exact_squares);
            assert_true(shift == 0 || (s == sum && t == squares));
            sum = s;
            squares = t;
        }
    }
    flo_free(context, &x);
    assert_int_equal(flo_context_destroy(&context), 0);
}

/* The order is part of what runs promise: block by block, 16 partial sums in turn, then
   halves folded. Written out once more; the sizes make every addition round. */
static void sums_keep_their_order(void **state)
{
    (void)state;
    enum { N = 9000 };
    flo_real x[N];
    for (int i = 0; i < N; i++)
        x[i] = (flo_real)ldexp(1 / (1.0 + i % 4099), i % 61 - 30);
    double sum = 0;
    for (int block = 0; block < N; block += 4096) {
        double p[16] = {0};
        for (int i = block; i < N && i < block + 4096; i++)
            p[(i - block) % 16] += (double)x[i];
        for (int half = 8; half; half /= 2)
            for (int j = 0; j < half; j++)
                p[j] += p[j + half];
        sum += p[0];
    }
    assert_true(flo_vector_sum(N, x) == sum);
}

static void the_first_nonfinite_element_is_found(void **state)
{
    (void)state;
    enum { N = 9000 };
    flo_real x[N];
    const flo_real bad[] = {(flo_real)NAN, (flo_real)INFINITY, -(flo_real)INFINITY};
    const int64_t places[] = {0, 1, 4095, 4096, 5000, N - 1};
    for (int64_t i = 0; i < N; i++)
        x[i] = i % 2 ? REAL_MAX : -REAL_LEAST;
    assert_int_equal(flo_vector_first_nonfinite(N, x), N);
    assert_int_equal(flo_vector_first_nonfinite(0, x), 0);
    for (int b = 0; b < 3; b++)
        for (int k = 5; k >= 0; k--) {
            const flo_real kept = x[places[k]];
            x[places[k]] = x[N - 1] = bad[b];
            assert_int_equal(flo_vector_first_nonfinite(N, x), places[k]);
            x[N - 1] = REAL_MAX;
            x[places[k]] = kept;
        }
}

static void what_passes_a_limit_is_found(void **state)
{
    (void)state;
    enum { N = 100 };
    flo_real x[N];
    for (int i = 0; i < N; i++)
        x[i] = (flo_real)(i % 2 ? 1e15 : -1e15);
    assert_false(flo_vector_passes(N, x, (flo_real)1e15));
    assert_false(flo_vector_passes(0, x, 0));
    assert_true(flo_vector_passes(1, x, 0));
    const flo_real far[] = {
        (flo_real)1.000001e15, (flo_real)-2e15, REAL_MAX,      -REAL_MAX,
        (flo_real)INFINITY,    (flo_real)NAN,   -(flo_real)NAN};
    for (int k = 0; k < 7 * N; k++) {
        const flo_real kept = x[k % N];
        x[k % N] = far[k / N];
        assert_true(flo_vector_passes(N, x, (flo_real)1e15));
        x[k % N] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_a_few_ulp_where_it_matters),
        cmocka_unit_test(errors_are_a_few_ulp_over_all_encodings),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(an_element_has_the_same_bits_everywhere),
        cmocka_unit_test(sums_are_right_and_depend_on_the_values_alone),
        cmocka_unit_test(sums_keep_their_order),
        cmocka_unit_test(the_first_nonfinite_element_is_found),
        cmocka_unit_test(what_passes_a_limit_is_found)};
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
