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

enum {
    MOST_LANES = 20,
    LENGTH = 2500,
    MOST_NODES = MOST_LANES /* each has a lane at least */
};

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

/* Lanes dealt to some of the workers who have them all, those of [first, last). */
typedef struct deal {
    int64_t lanes, workers;         /* all */
    int64_t first, last;            /* workers that are folded */
    int64_t bounds[MOST_LANES + 4]; /* [last - first + 1] */
} deal;

static deal make_deal(int64_t lanes, int64_t workers, int64_t first, int64_t last)
{
    deal d = {.lanes = lanes, .workers = workers, .first = first, .last = last};
    for (int64_t w = first; w <= last; w++)
        d.bounds[w - first] = flo_lane_first(lanes, workers, w);
    return d;
}

/* Vectors [LENGTH] of nodes. */
typedef struct nodes {
    flo_real *memory;
    flo_real *vector[MOST_NODES];
    int64_t count;
} nodes;

static void add_nodes(nodes *all, int64_t lanes, int64_t first, int64_t last)
{
    int level[MOST_NODES];
    int64_t index[MOST_NODES];
    const int64_t count = flo_lane_nodes(lanes, first, last, level, index);
    for (int64_t i = 0; i < count; i++) {
        flo_real *const vector = all->memory + all->count * LENGTH;
        for (int64_t element = 0; element < LENGTH; element++)
            vector[element] = tree_sum(lanes, level[i], index[i], element);
        all->vector[all->count++] = vector;
    }
}

static nodes take_nodes(flo_context *context)
{
    nodes all = {.count = 0};
    assert_int_equal(
        flo_allocate(context, MOST_NODES * LENGTH, sizeof(flo_real), &all.memory),
        FLO_OK);
    return all;
}

/* Of workers one by one: what goes in. */
static nodes nodes_of_each(flo_context *context, const deal *d, const flo_fold *fold)
{
    nodes all = take_nodes(context);
    for (int64_t w = 0; w < d->last - d->first; w++) {
        assert_int_equal(flo_fold_first(fold, w), all.count);
        add_nodes(&all, d->lanes, d->bounds[w], d->bounds[w + 1]);
    }
    assert_int_equal(flo_fold_first(fold, d->last - d->first), all.count);
    return all;
}

/* Of their lanes together: what must come out. */
static nodes nodes_of_all(flo_context *context, const deal *d)
{
    nodes all = take_nodes(context);
    add_nodes(&all, d->lanes, d->bounds[0], d->bounds[d->last - d->first]);
    return all;
}

static void check(const deal *d)
{
    static const int64_t lengths[] = {0, 1, 1024, 1025, LENGTH};
    flo_context *context;
    flo_fold *fold;
    assert_int_equal(flo_context_create(&context), FLO_OK);
    assert_int_equal(
        flo_fold_create(context, d->lanes, d->last - d->first, d->bounds, &fold),
        FLO_OK);
    nodes in = nodes_of_each(context, d, fold), wanted = nodes_of_all(context, d);
    nodes sum = take_nodes(context);
    assert_int_equal(flo_fold_sums(fold), wanted.count);
    for (int64_t i = 0; i < wanted.count; i++)
        sum.vector[i] = sum.memory + i * (LENGTH + 1);
    for (int i = 0; i < 5; i++) {
        memset(sum.memory, 0x55, MOST_NODES * LENGTH * sizeof *sum.memory);
        const flo_real guard = sum.memory[LENGTH];
        flo_fold_sum(fold, lengths[i], (const flo_real *const *)in.vector, sum.vector);
        for (int64_t j = 0; j < wanted.count; j++) {
            assert_memory_equal(sum.vector[j], wanted.vector[j],
                                (size_t)lengths[i] * sizeof guard);
            assert_memory_equal(&sum.vector[j][lengths[i]], &guard, sizeof guard);
        }
    }
    flo_free(context, &in.memory);
    flo_free(context, &wanted.memory);
    flo_free(context, &sum.memory);
    flo_fold_destroy(&fold);
    assert_null(fold);
    assert_int_equal(flo_context_destroy(&context), 0);
}

static void any_dealing_gives_the_bits_of_the_tree(void **state)
{
    (void)state;
    for (int64_t lanes = 1; lanes <= MOST_LANES; lanes++)
        for (int64_t workers = 1; workers <= lanes + 2; workers++) {
            const deal d = make_deal(lanes, workers, 0, workers);
            check(&d);
        }
}

static void some_workers_give_the_nodes_of_their_lanes(void **state)
{
    (void)state;
    for (int64_t lanes = 1; lanes <= MOST_LANES; lanes += 3)
        for (int64_t workers = 2; workers <= lanes + 2; workers++)
            for (int64_t first = 0; first < workers; first++) {
                const deal begin = make_deal(lanes, workers, 0, first + 1);
                const deal middle = make_deal(lanes, workers, first / 2, first + 1);
                const deal end = make_deal(lanes, workers, first, workers);
                check(&begin);
                check(&middle);
                check(&end);
            }
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
        static const int64_t bounds[] = {0, 5, 10, 16};
        status = flo_fold_create(context, 16, 3, bounds, &fold);
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
        cmocka_unit_test(some_workers_give_the_nodes_of_their_lanes),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
