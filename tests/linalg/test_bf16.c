/* Rounding to bfloat16 against the two nearest candidates, tiles of rounded numbers
   against sums in double. */
#include "linalg/bf16_tile.h"
#include "linalg/numbers.h"

static double number(flo_bf16 x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static flo_bf16 rounded(double x)
{
    const flo_real one = (flo_real)x;
    flo_bf16 copy[64];
    assert_true(flo_bf16_room(1) <= 64);
    flo_bf16_round(1, &one, copy);
    return copy[0];
}

static void rounding_goes_to_the_nearest_and_to_even_where_two_are(void **state)
{
    (void)state;
    for (uint32_t i = 0x80; i < 0x7f7f; i += 7) { /* normal numbers but the last */
        const flo_bf16 low = (flo_bf16)i, high = (flo_bf16)(i + 1);
        const double a = number(low), b = number(high), middle = a / 2 + b / 2;
        assert_int_equal(rounded(a), low);
        assert_int_equal(rounded(-b), 0x8000 | high);
        assert_int_equal(rounded(a + (b - a) * 0.49), low);
        assert_int_equal(rounded(a + (b - a) * 0.51), high);
        assert_int_equal(rounded(middle), low % 2 ? high : low);
        assert_int_equal(rounded(-middle), 0x8000 | (low % 2 ? high : low));
    }
    assert_int_equal(rounded(0), 0);
    assert_int_equal(rounded(1e-39), 0);
    assert_int_equal(rounded(-1e-39), 0x8000);
    assert_int_equal(rounded(INFINITY), 0x7f80);
    assert_int_equal(rounded(-INFINITY), 0xff80);
    assert_int_equal(rounded(3.4e38), 0x7f80);
    assert_true(isnan(number(rounded(NAN))));
}

static void rounding_fills_up_with_zeros_and_touches_no_more(void **state)
{
    (void)state;
    flo_real from[100];
    flo_bf16 to[200];
    draw_normals(1, 1, 100, from);
    for (int64_t n = 0; n < 100; n++) {
        memset(to, 0xee, sizeof to);
        flo_bf16_round(n, from, to);
        for (int64_t i = 0; i < 200; i++)
            assert_int_equal(to[i], i < n                  ? rounded((double)from[i])
                                    : i < flo_bf16_room(n) ? 0
                                                           : 0xeeee);
    }
}

enum { INNER = 64, WIDE = FLO_BF16_WIDTH + 5, HIGH = FLO_BF16_LEFT };

static flo_real a[HIGH * INNER], b[INNER * WIDE], before[FLO_TILE_HEIGHT * WIDE];

/* a [HIGH, INNER], rounded; b [INNER, WIDE], or its transpose. */
static void check_tile(int64_t rows, int64_t columns, int64_t inner, int kind)
{
    const bool transposed = kind & 1, turned = kind & 2, add = kind & 4;
    const int64_t pairs = (inner + 1) / 2;
    flo_bf16 plain[HIGH * INNER + 32], odd[INNER * HIGH];
    uint32_t left[INNER / 2 * FLO_BF16_LEFT], right[INNER / 2 * FLO_BF16_WIDTH];
    flo_real found[FLO_TILE_HEIGHT * WIDE];
    for (int64_t i = 0; i < HIGH; i++) /* zeros after inner */
        flo_bf16_round(inner, a + i * INNER, plain + i * INNER);
    for (int64_t i = 0; i < HIGH; i++)
        for (int64_t p = 0; p < inner; p++)
            odd[p * HIGH + i] = plain[i * INNER + p];
    flo_real from[INNER * WIDE]; /* no numbers after inner */
    for (int64_t j = 0; j < WIDE; j++)
        for (int64_t p = 0; p < INNER; p++) {
            const int64_t at = turned ? j * INNER + p : p * WIDE + j;
            from[at] = p < inner ? b[at] : (flo_real)NAN;
        }
    memset(left, 0xff, sizeof left);
    memset(right, 0xff, sizeof right);
    flo_bf16_tile_pack_left(inner, rows, odd, HIGH, left);
    if (turned)
        flo_bf16_tile_pack_transposed(inner, columns, from, INNER, right);
    else
        flo_bf16_tile_pack(inner, columns, from, WIDE, right);
    const flo_bf16_left by_rows = {plain, INNER, false};
    const flo_bf16_left by_pairs = {(const flo_bf16 *)left, FLO_BF16_LEFT, true};
    memcpy(found, before, sizeof found);
    for (int64_t i = 0; i < rows && !add; i++)
        fill_reals(columns, (double)NAN, found + i * WIDE);
    flo_bf16_tile_product(rows, columns, pairs, transposed ? by_pairs : by_rows, right,
                          add, found, WIDE);
    for (int64_t i = 0; i < FLO_TILE_HEIGHT; i++)
        for (int64_t j = 0; j < WIDE; j++) {
            const flo_real was = before[i * WIDE + j];
            double sum = add ? (double)was : 0; /* else no number was there */
            for (int64_t p = 0; p < inner; p++)
                sum +=
                    number(plain[i * INNER + p]) *
                    number(rounded((double)b[turned ? j * INNER + p : p * WIDE + j]));
            if (i < rows && j < columns)
                assert_near(found[i * WIDE + j], sum, 1e-5);
            else
                assert_same_bits("outside", sizeof was, &found[i * WIDE + j], &was);
        }
}

static void a_tile_is_the_sum_of_rounded_products(void **state)
{
    (void)state;
    static const int64_t inner[] = {0, 1, 2, 3, 30, 31, 32, 33, 63, 64};
    draw_normals(1, 1, HIGH * INNER, a);
    draw_normals(2, 1, INNER * WIDE, b);
    draw_normals(3, 1, FLO_TILE_HEIGHT * WIDE, before);
    int n = 0;
    for (int64_t rows = 1; rows <= FLO_TILE_HEIGHT; rows++)
        for (int64_t columns = 1; columns <= FLO_BF16_WIDTH; columns++, n++)
            for (int kind = 0; kind < 8; kind++)
                check_tile(rows, columns, inner[(n + kind) % 10], kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_goes_to_the_nearest_and_to_even_where_two_are),
        cmocka_unit_test(rounding_fills_up_with_zeros_and_touches_no_more),
        cmocka_unit_test(a_tile_is_the_sum_of_rounded_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
