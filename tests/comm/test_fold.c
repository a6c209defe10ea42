/* Folding vectors: any dealing of lanes to workers gives the bits of the tree. */
#include "comm/fold.h"
#include "core/lane_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_LANES = 20, LENGTH = 2500, MOST_NODES = 64 };

/* Lane values whose sum depends on the order, and some that are -0. */
static flo_real lane_value(int64_t lane, int64_t element)
{
    const int64_t scramble = (lane * 7919 + element * 104729 + 13) % 2003 - 1001;
    if (element % 17 == 0)
        return (flo_real)-0.0;
    return (flo_real)((double)scramble * (scramble % 3 == 0 ? 1e6 : 1.0 / 3));
}

/* The value of a node by definition: left + right, or left alone. */
static flo_real tree_sum(int64_t lanes, int level, int64_t index, int64_t element)
{
    if (level == 0)
        return lane_value(index, element);
    const flo_real left = tree_sum(lanes, level - 1, 2 * index, element);
    const bool right_exists = (2 * index + 1) << (level - 1) < lanes;
    return right_exists ? left + tree_sum(lanes, level - 1, 2 * index + 1, element)
                        : left;
}

static int height(int64_t lanes)
{
    int level = 0;
    while ((int64_t)1 << level < lanes)
        level++;
    return level;
}

/* The nodes of all workers, each a vector [LENGTH] of its own. */
typedef struct nodes {
    flo_real *memory;
    const flo_real *vector[MOST_NODES];
    int64_t count;
} nodes;

static void make_nodes(flo_context *context, int64_t lanes, int64_t workers,
                       const flo_fold *fold, nodes *all)
{
    all->count = 0;
    assert_int_equal(
        flo_allocate(context, MOST_NODES * LENGTH, sizeof(flo_real), &all->memory),
        FLO_OK);
    for (int64_t worker = 0; worker < workers; worker++) {
        int level[MOST_NODES];
        int64_t index[MOST_NODES];
        assert_int_equal(flo_fold_first(fold, worker), all->count);
        const int64_t count =
            flo_lane_nodes(lanes, flo_lane_first(lanes, workers, worker),
                           flo_lane_first(lanes, workers, worker + 1), level, index);
        for (int64_t i = 0; i < count; i++) {
            flo_real *const vector = all->memory + all->count * LENGTH;
            for (int64_t element = 0; element < LENGTH; element++)
                vector[element] = tree_sum(lanes, level[i], index[i], element);
            all->vector[all->count++] = vector;
        }
    }
    assert_int_equal(flo_fold_first(fold, workers), all->count);
}

static void any_dealing_gives_the_bits_of_the_tree(void **state)
{
    (void)state;
    flo_context *context;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    for (int64_t lanes = 1; lanes <= MOST_LANES; lanes++) {
        flo_real wanted[LENGTH], sum[LENGTH + 1];
        for (int64_t element = 0; element < LENGTH; element++)
            wanted[element] = tree_sum(lanes, height(lanes), 0, element);
        for (int64_t workers = 1; workers <= lanes + 2; workers++) {
            flo_fold *fold;
            nodes all;
            assert_int_equal(flo_fold_create(context, lanes, workers, &fold), FLO_OK);
            make_nodes(context, lanes, workers, fold, &all);
            static const int64_t lengths[] = {0, 1, 1024, 1025, LENGTH};
            for (int i = 0; i < 5; i++) {
                memset(sum, 0x55, sizeof sum);
                const flo_real guard = sum[LENGTH];
                flo_fold_sum(fold, lengths[i], all.vector, sum);
                assert_memory_equal(sum, wanted, (size_t)lengths[i] * sizeof *sum);
                assert_memory_equal(&sum[lengths[i]], &guard, sizeof guard);
            }
            flo_free(context, &all.memory);
            flo_fold_destroy(&fold);
            assert_null(fold);
        }
    }
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    flo_status status = FLO_ERROR_MEMORY;
    for (int64_t fail_at = 1; status == FLO_ERROR_MEMORY; fail_at++) {
        flo_context *context;
        assert_int_equal(flo_context_create(&context), FLO_OK);
        context->fail_at = fail_at;
        flo_fold *fold;
        status = flo_fold_create(context, 16, 3, &fold);
        assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
        assert_true(!fold == (status != FLO_OK));
        assert_true(status != FLO_OK || fail_at > 3);
        flo_fold_destroy(&fold);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_dealing_gives_the_bits_of_the_tree),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
