/* The exchange on 1 to 4 ranks: the bits of one naive sum, whatever ranks, hosts and
   lanes. Every test runs with each rank on a host of its own, on hosts of at most two
   and three, which may be uneven, and on one. */
#include "comm/exchange.h"
#include "comm/hosts.h"
#include "comm/world.h"
#include "core/lane_tree.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 3, MOST_NODES = 64 };

/* Buckets of 1, 0, 3, 3, 33, 0, 63, 897, 5 and 3095 reals: smaller than the ranks,
   empty, odd, several blocks of additions. */
static const int64_t bounds[] = {0, 1, 1, 4, 7, 40, 40, 103, 1000, 1005, 4100};

enum { BUCKETS = sizeof bounds / sizeof bounds[0] - 1, PARAMETERS = 4100 };

static const int64_t lane_counts[] = {1, 2, 3, 5, 6, 8, 16, 17};

/* A lane's gradient: a number of either sign between 2^-20 and 2^20 by a hash of (step,
   lane, element), sometimes -0. */
static flo_real gradient(int step, int64_t lane, int64_t element)
{
    uint64_t bits =
        (uint64_t)step * 1000003 + (uint64_t)lane * 8191 + (uint64_t)element;
    bits = (bits + 1) * 0x9e3779b97f4a7c15u;
    bits = (bits ^ bits >> 29) * 0xbf58476d1ce4e5b9u;
    bits ^= bits >> 32;
    if (bits % 64 == 0)
        return (flo_real)-0.0;
    const double mantissa = 1 + (double)(bits >> 40) / (1 << 24);
    const double value = ldexp(mantissa, (int)(bits % 40) - 20);
    return (flo_real)(bits >> 39 & 1 ? -value : value);
}

/* The reference: the value of a node by the definition of the tree. */
static flo_real tree_sum(int64_t lanes, int level, int64_t index, int step,
                         int64_t element)
{
    if (level == 0)
        return gradient(step, index, element);
    const flo_real left = tree_sum(lanes, level - 1, 2 * index, step, element);
    if ((2 * index + 1) << (level - 1) >= lanes)
        return left;
    return left + tree_sum(lanes, level - 1, 2 * index + 1, step, element);
}

static flo_real whole_sum(int64_t lanes, int step, int64_t element)
{
    int level = 0;
    while ((int64_t)1 << level < lanes)
        level++;
    return tree_sum(lanes, level, 0, step, element);
}

/* This rank's nodes. */
typedef struct own {
    int64_t count, index[MOST_NODES];
    int level[MOST_NODES];
} own;

static own own_nodes(const flo_comm *comm, int64_t lanes)
{
    const int rank = flo_comm_rank(comm), size = flo_comm_size(comm);
    own nodes;
    nodes.count =
        flo_lane_nodes(lanes, flo_lane_first(lanes, size, rank),
                       flo_lane_first(lanes, size, rank + 1), nodes.level, nodes.index);
    return nodes;
}

static void fill(flo_exchange *exchange, const own *nodes, int64_t lanes, int step,
                 int64_t first, int64_t last)
{
    assert_int_equal(flo_exchange_nodes(exchange), nodes->count);
    for (int64_t node = 0; node < nodes->count; node++)
        for (int64_t i = first; i < last; i++)
            flo_exchange_node(exchange, node)[i] =
                tree_sum(lanes, nodes->level[node], nodes->index[node], step, i);
}

/* After finish node vectors are free to be refilled: what comes later must not change
   the sum (with one rank the sum is the node). */
static void spoil_nodes(flo_exchange *exchange, const flo_comm *comm, int64_t count)
{
    if (flo_comm_size(comm) == 1)
        return;
    for (int64_t node = 0; node < flo_exchange_nodes(exchange); node++)
        memset(flo_exchange_node(exchange, node), 0xff,
               (size_t)count * sizeof(flo_real));
}

static void check_sum(flo_exchange *exchange, int64_t lanes, int step, int64_t count)
{
    const flo_real *const sum = flo_exchange_sum(exchange);
    for (int64_t i = 0; i < count; i++) {
        const flo_real wanted = whole_sum(lanes, step, i);
        if (memcmp(&sum[i], &wanted, sizeof wanted) != 0)
            fail_msg("lanes %d, step %d, element %d: %.9g is not %.9g", (int)lanes,
                     step, (int)i, (double)sum[i], (double)wanted);
    }
}

/* Fills and starts buckets from the last to the first, as a backward pass does; ranks
   run at different speeds and poke a different number of times. */
static void run_step(world *w, flo_exchange *exchange, const own *nodes, int64_t lanes,
                     int step)
{
    const int rank = flo_comm_rank(w->comm);
    for (int64_t b = BUCKETS - 1; b >= 0; b--) {
        fill(exchange, nodes, lanes, step, bounds[b], bounds[b + 1]);
        if ((b + rank + step) % 5 == 0)
            usleep(200);
        flo_exchange_start(exchange, b);
        for (int64_t i = 0; i < (b * 7 + rank * 3 + step) % 4; i++)
            flo_exchange_poke(exchange);
    }
    const double seconds = flo_exchange_finish(exchange);
    assert_true(seconds >= 0 && seconds < 60);
}

static void any_lanes_give_the_bits_of_one_sum(void **state)
{
    world *const w = *state;
    for (size_t v = 0; v < sizeof lane_counts / sizeof lane_counts[0]; v++) {
        const int64_t lanes = lane_counts[v];
        const own nodes = own_nodes(w->comm, lanes);
        flo_exchange *exchange;
        assert_int_equal(
            flo_exchange_create(w->comm, w->context, lanes, BUCKETS, bounds, &exchange),
            FLO_OK);
        for (int step = 0; step < STEPS; step++) {
            run_step(w, exchange, &nodes, lanes, step);
            spoil_nodes(exchange, w->comm, PARAMETERS);
            check_sum(exchange, lanes, step, PARAMETERS);
        }
        flo_exchange_destroy(&exchange);
        assert_null(exchange);
    }
}

/* In place of MPI's: reals that the messages made so far send in a step. */
static int64_t sent;

int MPI_Send_init(const void *buffer, int count, MPI_Datatype type, int peer, int tag,
                  MPI_Comm comm, MPI_Request *request)
{
    sent += count;
    return PMPI_Send_init(buffer, count, type, peer, tag, comm, request);
}

/* Where every host has one node of the tree, it sends all but its chunk to the others
   and its chunk to each of them, or to one other everything once: 2 (N - 1) P in all,
   however many ranks it has. */
static void a_host_sends_its_sum_once(void **state)
{
    world *const w = *state;
    enum { LANES = 8 };
    const int size = flo_comm_size(w->comm), hosts = flo_hosts_count(w->comm);
    if (size == 3 || flo_hosts_least(w->comm) * hosts != size)
        return;
    flo_exchange *exchange;
    sent = 0;
    assert_int_equal(
        flo_exchange_create(w->comm, w->context, LANES, BUCKETS, bounds, &exchange),
        FLO_OK);
    flo_comm_sum_integers(w->comm, &sent, 1);
    assert_int_equal(sent, 2 * (hosts - 1) * PARAMETERS);
    flo_exchange_destroy(&exchange);
}

/* Messages too long to be sent before the receiver asks for them. */
static void long_buckets_are_summed_too(void **state)
{
    world *const w = *state;
    enum { LANES = 5, LONG = 300001 };
    static const int64_t two[] = {0, LONG / 2, LONG};
    const own nodes = own_nodes(w->comm, LANES);
    flo_exchange *exchange;
    assert_int_equal(flo_exchange_create(w->comm, w->context, LANES, 2, two, &exchange),
                     FLO_OK);
    for (int step = 0; step < 2; step++) {
        fill(exchange, &nodes, LANES, step, 0, LONG);
        flo_exchange_start(exchange, 1);
        flo_exchange_start(exchange, 0);
        assert_true(flo_exchange_finish(exchange) >= 0);
        spoil_nodes(exchange, w->comm, LONG);
        check_sum(exchange, LANES, step, LONG);
    }
    flo_exchange_destroy(&exchange);
}

/* A bucket alone changes its own range alone; destroy completes what runs. */
static void a_bucket_changes_its_range_alone(void **state)
{
    world *const w = *state;
    enum { LANES = 4 };
    const own nodes = own_nodes(w->comm, LANES);
    flo_exchange *exchange;
    assert_int_equal(
        flo_exchange_create(w->comm, w->context, LANES, BUCKETS, bounds, &exchange),
        FLO_OK);
    assert_true(flo_exchange_finish(exchange) == 0);
    flo_exchange_poke(exchange);
    fill(exchange, &nodes, LANES, 0, 0, PARAMETERS);
    flo_real *const sum = flo_exchange_sum(exchange);
    for (int64_t b = BUCKETS - 1; b >= 0 && flo_comm_size(w->comm) > 1; b -= 3) {
        flo_comm_barrier(w->comm); /* the ranks of a host look at one sum */
        for (int64_t i = 0; i < PARAMETERS; i++)
            sum[i] = -7;
        flo_comm_barrier(w->comm);
        flo_exchange_start(exchange, b);
        assert_true(flo_exchange_finish(exchange) >= 0);
        for (int64_t i = 0; i < PARAMETERS; i++)
            assert_true(
                sum[i] ==
                (bounds[b] <= i && i < bounds[b + 1] ? whole_sum(LANES, 0, i) : -7));
    }
    flo_exchange_start(exchange, BUCKETS - 1);
    flo_exchange_start(exchange, 2);
    flo_exchange_destroy(&exchange);
}

/* Each allocation in turn fails on each rank in turn. */
static void a_rank_without_memory_is_agreed_on(void **state)
{
    world *const w = *state;
    for (int failing = 0; failing < flo_comm_size(w->comm); failing++) {
        flo_status status = FLO_ERROR_MEMORY;
        for (int64_t nth = 1; status != FLO_OK; nth++) {
            const int64_t before = (int64_t)w->context->live;
            if (flo_comm_rank(w->comm) == failing)
                w->context->fail_at = (int64_t)w->context->made + nth;
            flo_exchange *exchange;
            status =
                flo_exchange_create(w->comm, w->context, 6, BUCKETS, bounds, &exchange);
            w->context->fail_at = 0;
            assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
            assert_true(status != FLO_OK || nth > 5);
            assert_true(!exchange == (status != FLO_OK));
            flo_exchange_destroy(&exchange);
            assert_int_equal(w->context->live, before);
        }
    }
}

static void a_bucket_too_long_for_mpi_is_refused(void **state)
{
    world *const w = *state;
    if (flo_comm_size(w->comm) == 1)
        return;
    const int64_t piece = w->comm->piece;
    w->comm->piece = 3094;
    flo_exchange *exchange;
    assert_int_equal(
        flo_exchange_create(w->comm, w->context, 4, BUCKETS, bounds, &exchange),
        FLO_ERROR_CONFIG);
    w->comm->piece = piece;
    assert_null(exchange);
    const char *const message = flo_context_message(w->context);
    assert_non_null(strstr(message, "bucket 9 has 3095 numbers, at most 3094"));
    assert_non_null(strstr(message, "comm.bucket_mb"));
}

static int on_hosts_of(void **state, int most)
{
    world *const w = *state;
    if (flo_hosts_find(w->comm, w->context, most) != FLO_OK) {
        fprintf(stderr, "%s\n", flo_context_message(w->context));
        return -1;
    }
    const int size = flo_comm_size(w->comm), ranks = most && most < size ? most : size;
    return flo_hosts_count(w->comm) == (size + ranks - 1) / ranks ? 0 : -1;
}

static int on_hosts_of_one(void **state)
{
    return on_hosts_of(state, 1);
}

static int on_hosts_of_two(void **state)
{
    return on_hosts_of(state, 2);
}

static int on_hosts_of_three(void **state)
{
    return on_hosts_of(state, 3);
}

static int on_one_host(void **state)
{
    return on_hosts_of(state, 0);
}

#define ON_ALL_HOSTS(test)                                                             \
    {#test " on hosts of one", test, on_hosts_of_one, NULL, NULL},                     \
        {#test " on hosts of two", test, on_hosts_of_two, NULL, NULL},                 \
        {#test " on hosts of three", test, on_hosts_of_three, NULL, NULL},             \
    {                                                                                  \
#test " on one host", test, on_one_host, NULL, NULL                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL_HOSTS(any_lanes_give_the_bits_of_one_sum),
        ON_ALL_HOSTS(a_host_sends_its_sum_once),
        ON_ALL_HOSTS(long_buckets_are_summed_too),
        ON_ALL_HOSTS(a_bucket_changes_its_range_alone),
        ON_ALL_HOSTS(a_rank_without_memory_is_agreed_on),
        ON_ALL_HOSTS(a_bucket_too_long_for_mpi_is_refused),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
