/* Noise by what a row holds: the same wherever the row stands, and evenly spread. */
#include "flow/row_noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "flow/build.h"

enum { WIDE = 20, DRAWS = 64 };

#define WHOLE                                                                          \
    "preprocess: [{kind: dequantize, levels: 9}, {kind: logit}]\n"                     \
    "flow: {layers: [{kind: elementwise_affine}]}"

/* Every first 2^k of the draws have one number in each 2^-k of every column. */
static void check_spread(const flo_flow *flow, uint64_t hash)
{
    flo_real noise[WIDE];
    for (int64_t draws = 1; draws <= DRAWS; draws *= 2) {
        int seen[WIDE][DRAWS] = {{0}};
        for (int64_t draw = 0; draw < draws; draw++) {
            flo_row_noise(flow, 0, hash, draw, draws, noise);
            for (int j = 0; j < WIDE; j++) {
                assert_true(noise[j] > 0 && noise[j] < 1);
                seen[j][(int)((double)noise[j] * (double)draws)]++;
            }
        }
        for (int j = 0; j < WIDE; j++)
            for (int64_t cell = 0; cell < draws; cell++)
                assert_int_equal(seen[j][cell], 1);
    }
}

static void draws_fill_every_column_evenly(void **state)
{
    const flo_flow *const flow = build_flow(*state, WHOLE, WIDE, 0);
    for (uint64_t hash = 1; hash < 50; hash++)
        check_spread(flow, hash * UINT64_C(0x123456789ABCDEF));
}

/* Over many rows: mean 1/2, variance 1/12, no column like another, nor like itself in
   the next draw. */
static void rows_and_columns_are_independent(void **state)
{
    enum { ROWS = 20000 };
    const flo_flow *const flow = build_flow(*state, WHOLE, WIDE, 0);
    double product[WIDE][WIDE] = {{0}}, next[WIDE] = {0}, mean[WIDE] = {0};
    flo_real x[WIDE] = {0}, first[WIDE], second[WIDE];
    for (int i = 0; i < ROWS; i++) {
        x[i % WIDE] = (flo_real)(i / WIDE);
        const uint64_t hash = flo_row_hash(flow, x, NULL);
        flo_row_noise(flow, 0, hash, 0, 1000, first);
        flo_row_noise(flow, 0, hash, 3, 1000, second);
        for (int j = 0; j < WIDE; j++) {
            mean[j] += (double)first[j] / ROWS;
            next[j] += ((double)first[j] - 0.5) * ((double)second[j] - 0.5) / ROWS;
            for (int k = 0; k < WIDE; k++)
                product[j][k] +=
                    ((double)first[j] - 0.5) * ((double)first[k] - 0.5) / ROWS;
        }
    }
    for (int j = 0; j < WIDE; j++) {
        assert_near(mean[j], 0.5, 6 / sqrt(12.0 * ROWS));
        assert_true(fabs(next[j]) < 1.0 / 12); /* other numbers, if not far ones */
        for (int k = 0; k < WIDE; k++)
            assert_near(product[j][k], j == k ? 1.0 / 12 : 0, 6 / (12 * sqrt(ROWS)));
    }
}

static void the_hash_is_of_values(void **state)
{
    const flo_flow *const flow = build_flow(*state, WHOLE, 3, 0);
    const flo_flow *const given = build_flow(*state, WHOLE, 3, 1);
    const flo_real x[] = {1, 0, 3}, same[] = {1, -(flo_real)0.0, 3},
                   other[] = {0, 1, 3};
    const flo_real context[] = {1, 2};
    assert_true(flo_row_hash(flow, x, NULL) == flo_row_hash(flow, same, NULL));
    assert_true(flo_row_hash(flow, x, NULL) != flo_row_hash(flow, other, NULL));
    assert_true(flo_row_hash(given, x, context) != flo_row_hash(given, x, context + 1));
}

/* 128 draws, fewer where more than 16 columns are whole numbers, none without. */
static void usual_draws(void **state)
{
    static const int64_t wanted[][2] = {{1, 128}, {16, 128}, {32, 64}, {784, 8}};
    for (int i = 0; i < 4; i++)
        assert_int_equal(flo_flow_draws(build_flow(*state, WHOLE, wanted[i][0], 0)),
                         wanted[i][1]);
    assert_int_equal(flo_flow_draws(build_flow(*state, BUILD_DENSITY, 4, 2)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(draws_fill_every_column_evenly),
        FIXTURE_TEST(rows_and_columns_are_independent),
        FIXTURE_TEST(the_hash_is_of_values),
        FIXTURE_TEST(usual_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
