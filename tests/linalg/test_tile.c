/* Tiles against the same sums by scalars, to the bit; packing against copies. */
#include "linalg/tile.h"

#include "linalg/transpose.h"

#include "linalg/fused.h"
#include "linalg/numbers.h"

enum { MOST_INNER = 300, WIDE = FLO_TILE_WIDTH + 5, HIGH = FLO_TILE_HEIGHT + 2 };
enum { LEFT = (MOST_INNER + 3) * HIGH, RIGHT = MOST_INNER * WIDE, OUT = HIGH * WIDE };

static flo_real left[LEFT], right[RIGHT], before[OUT], found[OUT], wanted[OUT];

static void add_by_scalars(int64_t rows, int64_t columns, int64_t inner,
                           flo_tile_left a, int64_t b_row)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t p = 0; p < inner; p++) {
            const flo_real w =
                a.transposed ? a.at[i + p * a.step] : a.at[i * a.step + p];
            for (int64_t j = 0; j < columns; j++)
                wanted[i * WIDE + j] =
                    add_term(w, right[p * b_row + j], wanted[i * WIDE + j]);
        }
}

static void check_tile(int64_t rows, int64_t columns, int64_t inner, bool transposed,
                       int64_t b_row)
{
    const int64_t step = transposed ? HIGH : MOST_INNER + 3;
    const flo_tile_left a = {left, step, transposed};
    memcpy(found, before, sizeof found);
    memcpy(wanted, before, sizeof wanted);
    add_by_scalars(rows, columns, inner, a, b_row);
    flo_tile_product(rows, columns, inner, a, right, b_row, true, found, WIDE);
    if (memcmp(found, wanted, sizeof found) != 0)
        fail_msg("%lld x %lld over %lld, %s, rows of %lld: other bits than by scalars",
                 (long long)rows, (long long)columns, (long long)inner,
                 transposed ? "transposed" : "by rows", (long long)b_row);
}

/* The same from zero, whatever stands in c. */
static void check_fresh_tile(int64_t rows, int64_t columns, int64_t inner)
{
    const flo_tile_left a = {left, MOST_INNER + 3, false};
    memcpy(found, before, sizeof found);
    memcpy(wanted, before, sizeof wanted);
    for (int64_t i = 0; i < rows; i++) {
        fill_reals(columns, (double)NAN, found + i * WIDE);
        fill_reals(columns, 0, wanted + i * WIDE);
    }
    add_by_scalars(rows, columns, inner, a, WIDE);
    flo_tile_product(rows, columns, inner, a, right, WIDE, false, found, WIDE);
    assert_same_bits("fresh tile", sizeof found, found, wanted);
}

static void a_tile_has_the_bits_of_scalar_sums_and_no_more(void **state)
{
    (void)state;
    static const int64_t inner[] = {0, 1, 2, 7, 64, MOST_INNER};
    draw_normals(1, 1, LEFT, left);
    draw_normals(2, 1, RIGHT, right);
    draw_normals(3, 1, OUT, before);
    for (int64_t rows = 1; rows <= FLO_TILE_HEIGHT; rows++)
        for (int64_t columns = 1; columns <= FLO_TILE_WIDTH; columns++) {
            for (int i = 0; i < 12; i++)
                check_tile(rows, columns, inner[i / 2], i % 2,
                           columns % 3 ? FLO_TILE_WIDTH : WIDE);
            check_fresh_tile(rows, columns, inner[columns % 6]);
        }
}

static void a_sum_cut_in_two_has_the_same_bits(void **state)
{
    (void)state;
    for (int64_t cut = 0; cut <= 64; cut += 9) {
        memcpy(found, before, sizeof found);
        memcpy(wanted, before, sizeof wanted);
        const flo_tile_left a = {left, MOST_INNER + 3, false};
        const flo_tile_left rest = {left + cut, MOST_INNER + 3, false};
        flo_tile_product(5, 7, 64, a, right, WIDE, true, wanted, WIDE);
        flo_tile_product(5, 7, cut, a, right, WIDE, true, found, WIDE);
        flo_tile_product(5, 7, 64 - cut, rest, right + cut * WIDE, WIDE, true, found,
                         WIDE);
        assert_same_bits("cut", sizeof found, found, wanted);
    }
}

enum { GUARD = 7, PACKED = 80 * FLO_TILE_WIDTH };

/* Both packings from a place that no vector is aligned to. */
static void check_packing(int64_t inner, int64_t columns)
{
    _Alignas(FLO_SIMD_BYTES) flo_real to[PACKED], back[PACKED];
    const flo_real *const from = right + 1;
    const int64_t used = inner * FLO_TILE_WIDTH;
    fill_reals(PACKED, GUARD, to);
    fill_reals(PACKED, GUARD, back);
    flo_tile_pack(inner, columns, from, WIDE, to);
    flo_tile_pack_transposed(inner, columns, from, inner + 3, back);
    for (int64_t at = 0; at < PACKED; at++) {
        const int64_t p = at / FLO_TILE_WIDTH, j = at % FLO_TILE_WIDTH;
        flo_real one = at < used ? 0 : GUARD, other = one;
        if (at < used && j < columns) {
            one = from[p * WIDE + j];
            other = from[j * (inner + 3) + p];
        }
        assert_same_bits("packed", sizeof one, &to[at], &one);
        assert_same_bits("packed transposed", sizeof other, &back[at], &other);
    }
}

static void packing_copies_and_fills_up_with_zeros(void **state)
{
    (void)state;
    draw_normals(2, 1, RIGHT, right);
    for (int64_t inner = 0; inner < 80; inner += inner < 36 ? 1 : 13)
        for (int64_t columns = 1; columns <= FLO_TILE_WIDTH; columns++)
            check_packing(inner, columns);
}

static void check_transpose(int64_t rows, int64_t columns)
{
    enum { TO = 50 * 50 };
    const int64_t from_row = columns + 3, to_row = rows + 2;
    flo_real to[TO];
    fill_reals(TO, GUARD, to);
    flo_transpose(rows, columns, right + 1, from_row, to + 1, to_row);
    for (int64_t at = 0; at < TO; at++) {
        const int64_t j = (at - 1) / to_row, i = (at - 1) % to_row;
        flo_real one = GUARD;
        if (at > 0 && i < rows && j < columns)
            one = right[1 + i * from_row + j];
        assert_same_bits("transposed", sizeof one, &to[at], &one);
    }
}

static void a_transpose_touches_its_elements_only(void **state)
{
    (void)state;
    for (int64_t rows = 0; rows <= 40; rows++)
        for (int64_t columns = 0; columns <= 40; columns++)
            check_transpose(rows, columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tile_has_the_bits_of_scalar_sums_and_no_more),
        cmocka_unit_test(a_sum_cut_in_two_has_the_same_bits),
        cmocka_unit_test(packing_copies_and_fills_up_with_zeros),
        cmocka_unit_test(a_transpose_touches_its_elements_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
