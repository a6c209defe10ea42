/* Random numbers: Philox's known answers, what a key stands for, distributions, and
   independence of where a call starts. */
#include "core/context.h"
#include "core/random.h"

#include <Random123/philox.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const flo_random_key some_key = {0x123456789abcdef0u, FLO_RANDOM_SAMPLES,
                                        0xfedcba9876543210u, 77};

/* Kinds of draw, as random.c numbers them. */
enum { BITS = 0, UNIFORM = 1, NORMAL = 2, PERMUTATION = 3 };
enum { WIDTH = 16 / (int)sizeof(flo_real) };

/* Random123's kat_vectors, philox4x32 with 10 rounds. */
static void philox_gives_its_known_answers(void **state)
{
    (void)state;
    static const uint32_t rows[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
         0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
         0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int k = 0; k < 3; k++) {
        const uint32_t *const row = rows[k];
        const philox4x32_ctr_t counter = {{row[0], row[1], row[2], row[3]}};
        const philox4x32_key_t key = {{row[4], row[5]}};
        const philox4x32_ctr_t block = philox4x32(counter, key);
        for (int w = 0; w < 4; w++)
            assert_int_equal(block.v[w], row[6 + w]);
    }
}

/* Block n of a stream, by the rule in random.c written out once more. */
static philox4x32_ctr_t block_of(flo_random_key key, uint32_t kind, uint64_t n)
{
    const philox4x32_key_t seed = {{(uint32_t)key.seed, (uint32_t)(key.seed >> 32)}};
    const philox4x32_ctr_t name = {{(uint32_t)key.a, (uint32_t)(key.a >> 32), key.b,
                                    (uint32_t)key.purpose + (kind << 16)}};
    const philox4x32_ctr_t derived = philox4x32(name, seed);
    const philox4x32_key_t subkey = {{derived.v[0], derived.v[1]}};
    const philox4x32_ctr_t counter = {
        {(uint32_t)n, (uint32_t)(n >> 32), derived.v[2], derived.v[3]}};
    return philox4x32(counter, subkey);
}

/* Draw `index` as an unsigned number of the size of flo_real. */
static uint64_t word_of(flo_random_key key, uint32_t kind, uint64_t index)
{
    const philox4x32_ctr_t block = block_of(key, kind, index / WIDTH);
    const uint64_t w = index % WIDTH;
    return WIDTH == 4 ? block.v[w]
                      : block.v[2 * w] | (uint64_t)block.v[2 * w + 1] << 32;
}

static const uint64_t some_indices[] = {
    0, 1, 2, 3, 255, 256, UINT32_MAX, (uint64_t)UINT32_MAX * 4 + 2, UINT64_MAX - 7};
enum { INDICES = sizeof some_indices / sizeof *some_indices };

/* Files written once must be drawn again: the rule is pinned. */
static void draws_follow_the_written_rule(void **state)
{
    (void)state;
    const int bits = WIDTH == 4 ? 23 : 52;
    for (int k = 0; k < INDICES; k++) {
        const uint64_t index = some_indices[k];
        const philox4x32_ctr_t block = block_of(some_key, BITS, index / 2);
        const uint64_t w = index % 2 * 2;
        assert_int_equal(flo_random_bits(some_key, index),
                         block.v[w] | (uint64_t)block.v[w + 1] << 32);
        flo_real u, z[2];
        flo_random_uniform(some_key, index, 1, &u);
        const uint64_t cell =
            word_of(some_key, UNIFORM, index) >> (64 / WIDTH * 2 - bits);
        assert_true(u == (flo_real)ldexp((double)cell + 0.5, -bits));

        const uint64_t even = index / 2 * 2;
        const double radius =
            ldexp((double)word_of(some_key, NORMAL, even), -128 / WIDTH);
        const double angle =
            ldexp((double)word_of(some_key, NORMAL, even + 1), -128 / WIDTH);
        const double r = sqrt(-2 * log(radius)), turn = 2 * acos(-1.0);
        flo_random_normal(some_key, even, 2, z);
        assert_true(fabs((double)z[0] - r * cos(turn * angle)) < 1e-5);
        assert_true(fabs((double)z[1] - r * sin(turn * angle)) < 1e-5);
    }
}

typedef void sampler(flo_random_key key, uint64_t index, int64_t count, flo_real *x);
static sampler *const samplers[] = {flo_random_uniform, flo_random_normal};

static void a_draw_depends_on_its_index_only(void **state)
{
    (void)state;
    enum { N = 700 };
    flo_real whole[N], part[N + 1];
    for (int s = 0; s < 2; s++)
        for (int k = 0; k < INDICES - 1; k++) {
            samplers[s](some_key, some_indices[k], N, whole);
            for (int64_t start = 0; start < N; start += start < 20 ? 1 : 97)
                for (int64_t n = 0; n <= N - start; n += n < 20 ? 1 : 61) {
                    part[n] = 42;
                    samplers[s](some_key, some_indices[k] + (uint64_t)start, n, part);
                    assert_memory_equal(part, whole + start, (size_t)n * sizeof *part);
                    assert_true(part[n] == 42);
                }
        }
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* No number comes twice in a grid of purposes, a, b, seeds and indices; both halves of
   seed and a count. */
static void keys_do_not_collide(void **state)
{
    (void)state;
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    enum { N = 4 * 9 * 6 * 5 * 32 };
    static const uint64_t numbers[] = {0, 1, 2, UINT64_C(1) << 32, UINT64_C(1) << 63,
                                       9};
    uint64_t *bits;
    assert_int_equal(flo_allocate(context, N, sizeof *bits, &bits), FLO_OK);
    int64_t n = 0;
    for (int seed = 0; seed < 4; seed++)
        for (int purpose = 1; purpose <= 9; purpose++)
            for (int a = 0; a < 6; a++)
                for (uint32_t b = 0; b < 5; b++)
                    for (uint64_t index = 0; index < 32; index++)
                        bits[n++] = flo_random_bits(
                            (flo_random_key){numbers[seed], (flo_purpose)purpose,
                                             numbers[a], b},
                            index);
    assert_int_equal(n, N);
    qsort(bits, N, sizeof *bits, ascending);
    for (int64_t i = 1; i < N; i++)
        assert_true(bits[i - 1] != bits[i]);
    flo_free(context, &bits);
    assert_int_equal(flo_context_destroy(&context), 0);
}

enum { SAMPLES = 200000 };

static int ascending_real(const void *a, const void *b)
{
    const flo_real x = *(const flo_real *)a, y = *(const flo_real *)b;
    return x < y ? -1 : x > y;
}

static double uniform_cdf(double x)
{
    return x;
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* Sorts x. The statistic sqrt(N) sup |F_N - F| is below 1.95 with probability 0.999. */
static double kolmogorov_smirnov(flo_real *x, double (*cdf)(double))
{
    qsort(x, SAMPLES, sizeof *x, ascending_real);
    double distance = 0;
    for (int64_t i = 0; i < SAMPLES; i++) {
        const double f = cdf((double)x[i]);
        distance = fmax(distance, f - (double)i / SAMPLES);
        distance = fmax(distance, (double)(i + 1) / SAMPLES - f);
    }
    return distance * sqrt(SAMPLES);
}

/* Raw moments 1 .. 4 within 4 standard errors, from those of order 2 .. 8. */
static void check_moments(const flo_real *x, const double moments[9])
{
    for (int k = 1; k <= 4; k++) {
        double sum = 0;
        for (int64_t i = 0; i < SAMPLES; i++)
            sum += pow((double)x[i], k);
        const double variance = moments[2 * k] - moments[k] * moments[k];
        const double z = (sum / SAMPLES - moments[k]) / sqrt(variance / SAMPLES);
        if (!(fabs(z) < 4))
            fail_msg("moment %d is %g standard errors from %g", k, z, moments[k]);
    }
}

/* Correlation of x[i] with y[i + lag], in standard errors of independent samples. */
static void check_correlation(const flo_real *x, const flo_real *y, int lag,
                              double mean, double variance)
{
    double sum = 0;
    for (int64_t i = 0; i + lag < SAMPLES; i++)
        sum += ((double)x[i] - mean) * ((double)y[i + lag] - mean);
    const double z = sum / variance / sqrt(SAMPLES);
    if (!(fabs(z) < 4))
        fail_msg("correlation at lag %d is %g standard errors from 0", lag, z);
}

static void distributions_are_uniform_and_normal(void **state)
{
    (void)state;
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    flo_real *x, *y;
    assert_int_equal(flo_allocate(context, SAMPLES, sizeof *x, &x), FLO_OK);
    assert_int_equal(flo_allocate(context, SAMPLES, sizeof *y, &y), FLO_OK);
    const double uniform_moments[] = {1,       1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5,
                                      1.0 / 6, 1.0 / 7, 1.0 / 8, 1.0 / 9};
    const double normal_moments[] = {1, 0, 1, 0, 3, 0, 15, 0, 105};
    for (int s = 0; s < 2; s++) {
        const double mean = s ? 0 : 0.5, variance = s ? 1 : 1.0 / 12;
        samplers[s](some_key, 3, SAMPLES, x);
        flo_random_key next = some_key;
        next.a++;
        samplers[s](next, 3, SAMPLES, y);
        check_moments(x, s ? normal_moments : uniform_moments);
        check_correlation(x, y, 0, mean, variance);
        for (int lag = 1; lag <= 8; lag++)
            check_correlation(x, x, lag, mean, variance);
        assert_true(kolmogorov_smirnov(x, s ? normal_cdf : uniform_cdf) < 1.95);
    }
    flo_free(context, &x);
    flo_free(context, &y);
    assert_int_equal(flo_context_destroy(&context), 0);
}

/* 2^25 draws meet both ends of the 2^23 values that float has here; double is watched
   for staying inside. */
static void uniform_is_inside_the_open_interval(void **state)
{
    (void)state;
    enum { N = 4096 };
    flo_real u[N], least = 1, greatest = 0;
    for (uint64_t block = 0; block < 8192; block++) {
        flo_random_uniform(some_key, block * N, N, u);
        for (int64_t i = 0; i < N; i++) {
            least = u[i] < least ? u[i] : least;
            greatest = u[i] > greatest ? u[i] : greatest;
        }
    }
    assert_true(least > 0 && greatest < 1);
    if (WIDTH == 4)
        assert_true(least == (flo_real)0x1p-24 && greatest == 1 - (flo_real)0x1p-24);
}

static void permutations_hold_every_number_once(void **state)
{
    (void)state;
    enum { LARGEST = 1000 };
    int32_t order[LARGEST + 1];
    for (int64_t n = 0; n <= LARGEST; n += n < 300 ? 1 : 7) {
        int8_t seen[LARGEST] = {0};
        order[n] = -1;
        flo_random_permutation(some_key, n, order);
        assert_int_equal(order[n], -1);
        for (int64_t i = 0; i < n; i++) {
            assert_in_range(order[i], 0, n - 1);
            assert_int_equal(seen[order[i]]++, 0);
        }
    }
}

/* Number i of the stream swaps order[last] with one at or before it, last = n - 1 - i.
 */
static void permutations_follow_the_written_rule(void **state)
{
    (void)state;
    enum { N = 700 };
    int32_t order[N], wanted[N];
    for (int i = 0; i < N; i++)
        wanted[i] = i;
    for (uint64_t i = 0; i < N - 1; i++) {
        const philox4x32_ctr_t block = block_of(some_key, PERMUTATION, i / 2);
        const uint64_t n = N - i, w = i % 2 * 2;
        const uint64_t chosen = (block.v[w + 1] * n + (block.v[w] * n >> 32)) >> 32;
        const int32_t moved = wanted[chosen];
        wanted[chosen] = wanted[n - 1];
        wanted[n - 1] = moved;
    }
    flo_random_permutation(some_key, N, order);
    assert_memory_equal(order, wanted, sizeof order);
}

/* Chi-square over the n! orders: below its 0.999 quantile. */
static void check_orders(int64_t n, int cells, double quantile)
{
    enum { EACH = 2000 };
    int64_t counts[120] = {0};
    for (int64_t k = 0; k < cells * EACH; k++) {
        int32_t order[5];
        flo_random_permutation((flo_random_key){5, FLO_RANDOM_EPOCH, (uint64_t)k, 3}, n,
                               order);
        int cell = 0;
        for (int64_t i = 0; i < n; i++) {
            int smaller = 0;
            for (int64_t j = i + 1; j < n; j++)
                smaller += order[j] < order[i];
            cell = cell * (int)(n - i) + smaller;
        }
        counts[cell]++;
    }
    double chi_square = 0;
    for (int cell = 0; cell < cells; cell++)
        chi_square += (double)((counts[cell] - EACH) * (counts[cell] - EACH)) / EACH;
    assert_true(chi_square < quantile);
}

static void permutations_are_uniform(void **state)
{
    (void)state;
    check_orders(2, 2, 10.8);
    check_orders(3, 6, 20.5);
    check_orders(4, 24, 49.7);
    check_orders(5, 120, 173.6);
}

/* Each number is as likely at each place of a long permutation. */
static void long_permutations_have_no_favourite_place(void **state)
{
    (void)state;
    enum { N = 300, TIMES = 3000 };
    double place[N] = {0};
    int32_t order[N];
    for (uint64_t k = 0; k < TIMES; k++) {
        flo_random_permutation((flo_random_key){6, FLO_RANDOM_BLOCKS, k, 0}, N, order);
        for (int i = 0; i < N; i++)
            place[i] += order[i];
    }
    const double mean = (N - 1) / 2.0, error = sqrt(((double)N * N - 1) / 12 / TIMES);
    for (int i = 0; i < N; i++)
        assert_true(fabs(place[i] / TIMES - mean) < 4.5 * error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_its_known_answers),
        cmocka_unit_test(draws_follow_the_written_rule),
        cmocka_unit_test(a_draw_depends_on_its_index_only),
        cmocka_unit_test(keys_do_not_collide),
        cmocka_unit_test(distributions_are_uniform_and_normal),
        cmocka_unit_test(uniform_is_inside_the_open_interval),
        cmocka_unit_test(permutations_hold_every_number_once),
        cmocka_unit_test(permutations_follow_the_written_rule),
        cmocka_unit_test(permutations_are_uniform),
        cmocka_unit_test(long_permutations_have_no_favourite_place)};
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
