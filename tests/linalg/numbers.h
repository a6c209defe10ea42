/* For tests of numbers: random values, closeness, gradients by finite differences. */
#ifndef FLO_TESTS_LINALG_NUMBERS_H
#define FLO_TESTS_LINALG_NUMBERS_H

#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What flo_real allows: of one kernel, of a gradient by central differences (elements
   in double; in float, where a step crosses kinks, the whole of a tensor), and the
   step. */
#ifdef FLOTILLA_DOUBLE
static const double near_enough = 1e-11;
static const double gradient_near = 1e-7;
static const double difference_step = 1e-5;
#else
static const double near_enough = 1e-4;
static const double gradient_near = 3e-2;
static const double difference_step = 5e-3;
#endif

/* x [n] standard normal times deviation, by the number of the stream. */
static inline void draw_normals(uint64_t stream, double deviation, int64_t n,
                                flo_real *x)
{
    const flo_random_key key = {stream, FLO_RANDOM_PARAMETERS, 77, 7};
    flo_random_normal(key, 0, n, x);
    for (int64_t i = 0; i < n; i++)
        x[i] *= (flo_real)deviation;
}

static inline void draw_doubles(uint64_t stream, int64_t n, double *x)
{
    const flo_random_key key = {stream, FLO_RANDOM_PARAMETERS, 78, 7};
    for (int64_t i = 0; i < n; i++) {
        flo_real one;
        flo_random_normal(key, (uint64_t)i, 1, &one);
        x[i] = (double)one;
    }
}

static inline void fill_reals(int64_t n, double value, flo_real *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (flo_real)value;
}

static inline bool is_near(double found, double wanted, double tolerance)
{
    return fabs(found - wanted) <= tolerance * (1 + fabs(wanted));
}

static inline void near_or_fail(double found, double wanted, double tolerance,
                                const char *expression, const char *file, int line)
{
    if (is_near(found, wanted, tolerance))
        return;
    print_error("%s: found %.17g, wanted %.17g, to %g\n", expression, found, wanted,
                tolerance);
    _fail(file, line);
}

/* |found - wanted| <= tolerance (1 + |wanted|); false where either is NaN. */
#define assert_near(found, wanted, tolerance)                                          \
    near_or_fail((double)(found), (double)(wanted), tolerance, #found, __FILE__,       \
                 __LINE__)

static inline void assert_all_near(const char *what, int64_t n, const flo_real *found,
                                   const flo_real *wanted, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        if (!is_near((double)found[i], (double)wanted[i], tolerance))
            fail_msg("%s, element %lld: found %.17g, wanted %.17g, to %g", what,
                     (long long)i, (double)found[i], (double)wanted[i], tolerance);
}

static inline void assert_all_finite(const char *what, int64_t n, const flo_real *x)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            fail_msg("%s, element %lld of %lld: found %g, wanted a finite number", what,
                     (long long)i, (long long)n, (double)x[i]);
}

static inline void assert_same_bits(const char *what, size_t bytes, const void *found,
                                    const void *wanted)
{
    const unsigned char *const a = found, *const b = wanted;
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i])
            fail_msg("%s: the bits differ at byte %zu of %zu", what, i, bytes);
}

/* A loss of anything; `data` holds what it depends on. */
typedef double loss_of(void *data);

/* The difference quotient of a loss by *at between *at + low and *at + high. */
static inline double quotient(loss_of *loss, void *data, double low, double high,
                              flo_real *at)
{
    const flo_real middle = *at;
    const flo_real above = (flo_real)((double)middle + high);
    const flo_real below = (flo_real)((double)middle + low);
    *at = above;
    const double top = loss(data);
    *at = below;
    const double bottom = loss(data);
    *at = middle;
    return (top - bottom) / ((double)above - (double)below);
}

/* The central difference. Where it is not near, the step may have crossed a kink (of a
   rectifier, of the slope of a spline at a knot): a difference to one side or, in
   float, where the step is wide, a narrower one counts where it is nearer. */
static inline double difference(loss_of *loss, void *data, double gradient,
                                flo_real *at)
{
    static const double ends[][2] = {{-1, 0}, {0, 1}, {-0.1, 0.1}, {-0.1, 0}, {0, 0.1}};
    const double near = sizeof(flo_real) == 8 ? 1e-7 : 1e-3;
    double best = quotient(loss, data, -difference_step, difference_step, at);
    for (int i = 0; i < 5 && !is_near(best, gradient, near); i++) {
        const double one = quotient(loss, data, ends[i][0] * difference_step,
                                    ends[i][1] * difference_step, at);
        best = fabs(one - gradient) < fabs(best - gradient) ? one : best;
    }
    return best;
}

/* Differences are about numbers: what a sanitizer looks for, a few show it. */
#ifdef __SANITIZE_ADDRESS__
enum { MOST_DIFFERENCES = 50 };
#else
enum { MOST_DIFFERENCES = 5000 };
#endif

/* Compares gradient [n] with central differences of the loss by at [n]: each element,
   or some spread over them where there are more than MOST_DIFFERENCES. With `index`
   [n], element i is index[i] of both. */
static inline void assert_gradient_at(const char *what, int64_t n, const int64_t *index,
                                      const flo_real *gradient, flo_real *at,
                                      loss_of *loss, void *data)
{
    double squares = 0, errors = 0, most = 0;
    int64_t worst = 0;
    for (int64_t i = 0; i < n; i += 1 + n / MOST_DIFFERENCES) {
        const int64_t k = index ? index[i] : i;
        const double d = difference(loss, data, (double)gradient[k], &at[k]);
        const double error = fabs(d - (double)gradient[k]);
        squares += d * d;
        errors += error * error;
        if (!(error <= most)) {
            most = error;
            worst = k;
        }
    }
#ifdef FLOTILLA_DOUBLE
    const double size = most, limit = gradient_near * (1 + sqrt(squares));
#else
    const double size = sqrt(errors), limit = gradient_near * (0.1 + sqrt(squares));
#endif
    if (!(size <= limit) || !isfinite(errors))
        fail_msg("%s: the gradient differs from finite differences, most in element "
                 "%lld of %lld: found %.12g, error %.3g; error %.3g, allowed %.3g",
                 what, (long long)worst, (long long)n, (double)gradient[worst], most,
                 size, limit);
}

static inline void assert_gradient(const char *what, int64_t n,
                                   const flo_real *gradient, flo_real *at,
                                   loss_of *loss, void *data)
{
    assert_gradient_at(what, n, NULL, gradient, at, loss, data);
}

/* log|det| of a [n, n], which is destroyed: LU with row exchanges. *sign may be NULL.
 */
static inline double log_determinant(int64_t n, double *a, int *sign)
{
    double total = 0;
    int s = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
                pivot = i;
        for (int64_t j = 0; j < n && pivot != k; j++) {
            const double other = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = other;
        }
        s = pivot != k ? -s : s;
        s = a[k * n + k] < 0 ? -s : s;
        total += log(fabs(a[k * n + k]));
        for (int64_t i = k + 1; i < n; i++) {
            const double factor = a[i * n + k] / a[k * n + k];
            for (int64_t j = k; j < n; j++)
                a[i * n + j] -= factor * a[k * n + j];
        }
    }
    if (sign)
        *sign = s;
    return total;
}

#endif
