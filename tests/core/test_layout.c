/* Layouts: tensors end to end, and what a part hands on when it is added. */
#include "core/layout.h"

#include "config/fixture.h"

static void tensors_lie_end_to_end(void **state)
{
    fixture *const f = *state;
    flo_layout layout;
    int64_t offset;
    flo_layout_start(&layout, f->arena);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(flo_layout_add(&layout, 3, i % 2 ? 2 : 0, i % 2, &offset,
                                        "map_%d/weight", i),
                         FLO_OK);
        const flo_tensor *const t = &layout.tensors[i];
        assert_int_equal(offset, i / 2 * 9 + (i % 2 ? 3 : 0));
        assert_int_equal(t->offset, offset);
        assert_int_equal(t->count, i % 2 ? 6 : 3);
        assert_int_equal(t->rank, i % 2 ? 2 : 1);
        assert_null(t->ragged);
    }
    assert_int_equal(layout.size, 90);
    assert_string_equal(layout.tensors[19].name, "map_19/weight");
}

static void a_part_is_added_with_all_that_it_says(void **state)
{
    fixture *const f = *state;
    static const int64_t length[] = {2, 3}, seen[] = {1, 3};
    const flo_ragged ragged = {2, length, seen};
    flo_layout layout, part;
    int64_t offset;
    flo_layout_start(&layout, f->arena);
    flo_layout_start(&part, f->arena);
    assert_int_equal(flo_layout_add(&layout, 4, 0, false, &offset, "first"), FLO_OK);
    assert_int_equal(flo_layout_add(&part, 2, 2, false, &offset, "plain"), FLO_OK);
    assert_int_equal(flo_layout_add(&part, 5, 0, true, &offset, "packed"), FLO_OK);
    flo_layout_set_ragged(&part, &ragged);
    assert_int_equal(flo_layout_append(&layout, "layer_0", &part, &offset), FLO_OK);
    assert_int_equal(offset, 4);
    assert_int_equal(layout.size, 13);
    const flo_tensor *const plain = &layout.tensors[1], *const packed = plain + 1;
    assert_string_equal(plain->name, "layer_0/plain");
    assert_true(plain->rank == 2 && !plain->decay && !plain->ragged);
    assert_true(packed->offset == 8 && packed->decay && packed->ragged == &ragged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(tensors_lie_end_to_end),
        FIXTURE_TEST(a_part_is_added_with_all_that_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
