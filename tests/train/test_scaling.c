/* The model of a step on a cluster: its limits, and what must not get worse. */
#include "train/scaling.h"

#include "linalg/numbers.h"

static const flo_scaling_step measured = {.row_seconds = 1e-4,
                                          .update_seconds = 1e-3,
                                          .backward = 0.6,
                                          .bytes = 8000000,
                                          .buckets = 4,
                                          .lanes = 64,
                                          .threads = 1};
static const flo_scaling_cluster eight = {
    .nodes = 4, .ranks = 2, .gbit = 10, .latency_us = 20, .overlap = 1};
enum { ROWS = 4096 };

static flo_scaling_point of(flo_scaling_step step, flo_scaling_cluster cluster)
{
    return flo_scaling_predict(&step, &cluster, ROWS);
}

static void without_a_link_there_is_nothing_to_wait_for(void **state)
{
    (void)state;
    flo_scaling_cluster one = eight;
    one.nodes = 1;
    const flo_scaling_point p = of(measured, one);
    assert_near(p.step_seconds, 1e-4 * ROWS / 2 + 1e-3, 1e-12);
    assert_near(p.exchange_seconds, 0, 0);
}

static void an_infinite_network_scales_perfectly(void **state)
{
    (void)state;
    flo_scaling_cluster best = eight;
    best.gbit = INFINITY;
    best.latency_us = 0;
    for (best.nodes = 1; best.nodes <= 32; best.nodes *= 2) {
        const flo_scaling_point p = of(measured, best);
        const double ranks = (double)(best.nodes * best.ranks);
        assert_near(p.step_seconds, 1e-4 * ROWS / ranks + 1e-3, 1e-12);
    }
}

/* By hand: 4 nodes of 2 ranks, one part a node; of a bucket of 2 MB a node sends a
   piece and a sum of a quarter to each of 3 others, half of it by each rank. */
static void without_overlap_all_messages_are_exposed(void **state)
{
    (void)state;
    flo_scaling_cluster blocking = eight;
    blocking.overlap = 0;
    const flo_scaling_point p = of(measured, blocking);
    const double link = 6 * (2e6 / 4) * 8 / 10e9, latency = 6 * 20e-6;
    assert_near(p.exchange_seconds, 4 * (link + latency) + 2 * 20e-6, 1e-12);
    assert_near(p.exposed_seconds, p.exchange_seconds, 1e-15);
}

static void the_last_bucket_is_never_hidden(void **state)
{
    (void)state;
    const flo_scaling_point p = of(measured, eight);
    /* A bucket passes in 2.5 ms; they come 7.7 ms apart: only the last one is left. */
    assert_near(p.exposed_seconds, 6 * (2e6 / 4) * 8 / 10e9 + 6 * 20e-6 + 40e-6, 1e-12);
    flo_scaling_step whole = measured;
    whole.buckets = 1;
    const flo_scaling_point all = of(whole, eight);
    assert_near(all.exposed_seconds, all.exchange_seconds, 1e-15);
}

/* Slow enough that buckets wait for each other: the first is known at once, and all
   pass one behind the other. */
static void a_full_link_hides_what_comes_before_the_end(void **state)
{
    (void)state;
    flo_scaling_cluster slow = eight;
    slow.gbit = 1;
    const flo_scaling_point p = of(measured, slow);
    const double backward = 0.6 * 1e-4 * ROWS / 8;
    assert_near(p.exposed_seconds, p.exchange_seconds - backward * 3 / 4, 1e-12);
}

static void worse_networks_and_less_overlap_take_longer(void **state)
{
    (void)state;
    double before = 0;
    for (double overlap = 1; overlap >= 0; overlap -= 0.125)
        for (double gbit = 100; gbit > 0.05; gbit /= 2)
            for (double latency = 0; latency < 200; latency += 50) {
                const flo_scaling_cluster better = {4, 2, gbit, latency, overlap};
                flo_scaling_cluster worse[3] = {better, better, better};
                worse[0].gbit /= 2;
                worse[1].latency_us += 50;
                worse[2].overlap /= 2;
                before = of(measured, better).step_seconds;
                assert_true(of(measured, worse[0]).step_seconds > before);
                assert_true(of(measured, worse[1]).step_seconds > before);
                assert_true(of(measured, worse[2]).step_seconds >= before);
            }
}

/* By hand: each sends the other each bucket whole, once. */
static void two_nodes_send_whole_buckets(void **state)
{
    (void)state;
    flo_scaling_cluster two = eight;
    two.nodes = 2;
    for (two.ranks = 1; two.ranks < 8; two.ranks++) /* however many ranks they have */
        assert_near(of(measured, two).exchange_seconds,
                    4 * (2e6 * 8 / 10e9 + 20e-6) + 20e-6, 1e-12);
}

/* What a run would have measured on the model's own cluster gives its overlap back. */
static void the_overlap_of_a_run_is_found_again(void **state)
{
    (void)state;
    const double backward = 0.6 * 1e-4 * ROWS / 8;
    flo_scaling_cluster link = eight;
    link.latency_us = 0;
    for (link.gbit = 0.25; link.gbit < 100; link.gbit *= 2)
        for (link.overlap = 0; link.overlap <= 1; link.overlap += 0.25) {
            const flo_scaling_point p = of(measured, link);
            assert_near(flo_scaling_overlap(measured.buckets, backward,
                                            p.exchange_seconds, p.exposed_seconds),
                        link.overlap, 1e-9);
        }
    assert_near(flo_scaling_overlap(4, 1, 0, 0), 1, 0);   /* no messages */
    assert_near(flo_scaling_overlap(1, 1, 2, 2), 1, 0);   /* one bucket */
    assert_near(flo_scaling_overlap(4, 1, 0.1, 1), 0, 0); /* noise */
    assert_near(flo_scaling_overlap(4, 1, 0.1, 0), 1, 0);
}

static void lanes_that_do_not_fit_cost_time_and_messages(void **state)
{
    (void)state;
    flo_scaling_step few = measured;
    few.lanes = 9; /* on 8 ranks one has two of them */
    const flo_scaling_point p = of(few, eight);
    assert_near(p.compute_seconds, 1e-4 * ROWS * 2 / 9 + 1e-3, 1e-12);
    few.lanes = 4; /* too few: as if there were one a rank */
    assert_near(of(few, eight).step_seconds, of(measured, eight).step_seconds, 1e-12);
    flo_scaling_cluster three = eight;
    three.nodes = 3;
    three.ranks = 1; /* 64 lanes on 3 ranks: 21, 21 and 22, several nodes each */
    flo_scaling_step fitting = measured;
    fitting.lanes = 3;
    assert_true(of(measured, three).exchange_seconds >
                2 * of(fitting, three).exchange_seconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_link_there_is_nothing_to_wait_for),
        cmocka_unit_test(an_infinite_network_scales_perfectly),
        cmocka_unit_test(without_overlap_all_messages_are_exposed),
        cmocka_unit_test(the_last_bucket_is_never_hidden),
        cmocka_unit_test(a_full_link_hides_what_comes_before_the_end),
        cmocka_unit_test(worse_networks_and_less_overlap_take_longer),
        cmocka_unit_test(two_nodes_send_whole_buckets),
        cmocka_unit_test(the_overlap_of_a_run_is_found_again),
        cmocka_unit_test(lanes_that_do_not_fit_cost_time_and_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
