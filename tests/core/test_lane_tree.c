/* The lane tree against its definition: a naive recursion over the complete tree. */
#include "core/lane_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MOST_LANES = 40, MOST_NODES = 64 };

/* The number of levels above the leaves. */
static int height(int64_t lanes)
{
    int level = 0;
    while (((int64_t)1 << level) < lanes)
        level++;
    return level;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The value of a node by the header's words: left + right, or left alone. */
static double tree_sum(int64_t lanes, const double *values, int level, int64_t index)
{
    if (level == 0)
        return values[index];
    const double left = tree_sum(lanes, values, level - 1, 2 * index);
    const bool right_exists = (2 * index + 1) << (level - 1) < lanes;
    return right_exists ? left + tree_sum(lanes, values, level - 1, 2 * index + 1)
                        : left;
}

/* Lists the maximal nodes of [first, last) below a node, from the root down: a node
   that lies inside is maximal, one that does not is cut in two. */
static int64_t list_nodes(int64_t lanes, int64_t first, int64_t last, int level,
                          int64_t index, int64_t count, int *levels, int64_t *indices)
{
    const int64_t begin = least(index << level, lanes);
    const int64_t end = least((index + 1) << level, lanes);
    if (begin >= end || end <= first || last <= begin)
        return count;
    if (first <= begin && end <= last) {
        levels[count] = level;
        indices[count] = index;
        return count + 1;
    }
    count =
        list_nodes(lanes, first, last, level - 1, 2 * index, count, levels, indices);
    return list_nodes(lanes, first, last, level - 1, 2 * index + 1, count, levels,
                      indices);
}

/* Values whose sum depends on the order of additions. */
static void fill(int64_t lanes, double *values)
{
    for (int64_t lane = 0; lane < lanes; lane++) {
        const int64_t scramble = (lane * 7919 + 13) % 101 - 50;
        values[lane] = (double)scramble * (lane % 3 == 0 ? 1e12 : 1.0 / 3);
    }
}

static void nodes_are_the_maximal_ones(void **state)
{
    (void)state;
    for (int64_t lanes = 1; lanes <= MOST_LANES; lanes++)
        for (int64_t first = 0; first <= lanes; first++)
            for (int64_t last = first; last <= lanes; last++) {
                int level[MOST_NODES], wanted_level[MOST_NODES];
                int64_t index[MOST_NODES], wanted_index[MOST_NODES];
                const int64_t wanted = list_nodes(lanes, first, last, height(lanes), 0,
                                                  0, wanted_level, wanted_index);
                assert_int_equal(flo_lane_nodes(lanes, first, last, NULL, NULL),
                                 wanted);
                assert_int_equal(flo_lane_nodes(lanes, first, last, level, index),
                                 wanted);
                for (int64_t i = 0; i < wanted; i++) {
                    assert_int_equal(level[i], wanted_level[i]);
                    assert_int_equal(index[i], wanted_index[i]);
                }
                assert_true(wanted <= 1 || wanted <= 2 * height(lanes));
            }
}

/* Pushes the lanes of [first, last) on a stack of values that starts empty; returns the
   largest number of entries. */
static int64_t push_lanes(flo_lane_stack *stack, double *entry, const double *values,
                          int64_t first, int64_t last)
{
    int64_t most = 0;
    for (int64_t lane = first; lane < last; lane++) {
        int64_t top = stack->count;
        entry[top] = values[lane];
        most = top + 1 > most ? top + 1 : most;
        for (int n = flo_lane_push(stack, 0, lane); n > 0; n--, top--)
            entry[top - 1] += entry[top];
        assert_int_equal(stack->count, top + 1);
    }
    return most;
}

static void pushed_leaves_leave_the_maximal_nodes(void **state)
{
    (void)state;
    double values[MOST_LANES], entry[MOST_NODES];
    for (int64_t lanes = 1; lanes <= MOST_LANES; lanes++) {
        fill(lanes, values);
        for (int64_t first = 0; first < lanes; first++)
            for (int64_t last = first; last <= lanes; last++) {
                flo_lane_stack stack = {.lanes = lanes};
                const int64_t most = push_lanes(&stack, entry, values, first, last);
                int level[MOST_NODES];
                int64_t index[MOST_NODES];
                assert_int_equal(flo_lane_nodes(lanes, first, last, level, index),
                                 stack.count);
                assert_int_equal(flo_lane_depth(lanes, first, last), most);
                for (int64_t i = 0; i < stack.count; i++) {
                    assert_int_equal(stack.node[i].level, level[i]);
                    assert_int_equal(stack.node[i].index, index[i]);
                    assert_true(entry[i] ==
                                tree_sum(lanes, values, level[i], index[i]));
                }
            }
    }
}

/* The law that everything stands on: however the lanes are dealt, folding the workers'
   nodes in the order of lanes gives the sum of the tree. */
static void any_dealing_gives_the_same_sum(void **state)
{
    (void)state;
    double values[MOST_LANES];
    for (int64_t lanes = 1; lanes <= MOST_LANES; lanes++) {
        fill(lanes, values);
        const double wanted = tree_sum(lanes, values, height(lanes), 0);
        assert_true(flo_lane_sum_doubles(lanes, values) == wanted);
        for (int64_t workers = 1; workers <= lanes + 2; workers++) {
            flo_lane_stack stack = {.lanes = lanes};
            double entry[MOST_NODES];
            for (int64_t worker = 0; worker < workers; worker++) {
                int level[MOST_NODES];
                int64_t index[MOST_NODES];
                const int64_t count = flo_lane_nodes(
                    lanes, flo_lane_first(lanes, workers, worker),
                    flo_lane_first(lanes, workers, worker + 1), level, index);
                for (int64_t i = 0; i < count; i++) {
                    int64_t top = stack.count;
                    entry[top] = tree_sum(lanes, values, level[i], index[i]);
                    for (int n = flo_lane_push(&stack, level[i], index[i]); n > 0;
                         n--, top--)
                        entry[top - 1] += entry[top];
                }
            }
            assert_int_equal(stack.count, 1);
            assert_int_equal(stack.node[0].level, height(lanes));
            assert_int_equal(stack.node[0].index, 0);
            assert_true(entry[0] == wanted);
        }
    }
}

/* A node may be pushed under any of its names: lane 2 of 3 is leaf 2 and node (1, 1).
 */
static void a_node_may_have_several_names(void **state)
{
    (void)state;
    for (int level = 0; level < 2; level++) {
        flo_lane_stack stack = {.lanes = 3};
        assert_int_equal(flo_lane_push(&stack, 1, 0), 0);
        assert_int_equal(flo_lane_push(&stack, level, 2 >> level), 1);
        assert_int_equal(stack.count, 1);
        assert_int_equal(stack.node[0].level, 2);
    }
}

static void lanes_are_dealt_evenly(void **state)
{
    (void)state;
    for (int64_t lanes = 1; lanes <= MOST_LANES; lanes++)
        for (int64_t workers = 1; workers <= lanes + 3; workers++)
            for (int64_t worker = 0; worker <= workers; worker++)
                assert_int_equal(flo_lane_first(lanes, workers, worker),
                                 worker * lanes / workers);
    assert_int_equal(flo_lane_first(INT64_MAX, 4, 4), INT64_MAX);
}

static void the_largest_tree_fits(void **state)
{
    (void)state;
    int level[FLO_LANE_STACK];
    int64_t index[FLO_LANE_STACK];
    const int64_t count = flo_lane_nodes(INT64_MAX, 1, INT64_MAX - 1, level, index);
    assert_int_equal(count, 62 + 61); /* levels 0 .. 61 up, 61 .. 1 down */
    flo_lane_stack stack = {.lanes = INT64_MAX};
    assert_int_equal(flo_lane_push(&stack, 0, 0), 0);
    int additions = 0;
    for (int64_t i = 0; i < count; i++)
        additions += flo_lane_push(&stack, level[i], index[i]);
    additions += flo_lane_push(&stack, 0, INT64_MAX - 1);
    assert_int_equal(additions, count + 1);
    assert_int_equal(stack.count, 1);
}

static void the_sum_of_no_lanes_is_zero(void **state)
{
    (void)state;
    assert_true(flo_lane_sum_doubles(0, NULL) == 0);
    assert_int_equal(flo_lane_depth(5, 3, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_the_maximal_ones),
        cmocka_unit_test(pushed_leaves_leave_the_maximal_nodes),
        cmocka_unit_test(any_dealing_gives_the_same_sum),
        cmocka_unit_test(a_node_may_have_several_names),
        cmocka_unit_test(lanes_are_dealt_evenly),
        cmocka_unit_test(the_largest_tree_fits),
        cmocka_unit_test(the_sum_of_no_lanes_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
