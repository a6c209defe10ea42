/* The communicator and its collectives on 1 to 4 ranks. */
#include "comm/world.h"

#include <math.h>
#include <string.h>

enum { COUNT = 23, SMALL_PIECE = 7 }; /* several pieces and a rest */

static int set_up(void **state)
{
    if (world_setup(state) != 0)
        return -1;
    ((world *)*state)->comm->piece = SMALL_PIECE;
    return 0;
}

static void rank_and_size_are_those_of_the_world(void **state)
{
    world *const w = *state;
    int rank = 0, size = 1;
    if (w->comm->has_mpi) {
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        MPI_Comm_size(MPI_COMM_WORLD, &size);
        assert_null(strchr(flo_comm_library(w->comm), ','));
        assert_string_not_equal(flo_comm_library(w->comm), "none");
    } else {
        assert_string_equal(flo_comm_library(w->comm), "none");
    }
    assert_int_equal(flo_comm_rank(w->comm), rank);
    assert_int_equal(flo_comm_size(w->comm), size);
    const char *const launched = getenv("OMPI_COMM_WORLD_SIZE");
    if (launched)
        assert_int_equal(size, atoi(launched));
}

/* Rule: errors are returned on our duplicate only. */
static void the_callers_error_handler_is_left_alone(void **state)
{
    world *const w = *state;
    if (!w->comm->has_mpi)
        return;
    MPI_Errhandler handler;
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
    assert_true(handler == MPI_ERRORS_ARE_FATAL);
    MPI_Errhandler_free(&handler);
    MPI_Comm_get_errhandler(w->comm->world, &handler);
    assert_true(handler == MPI_ERRORS_RETURN);
    MPI_Errhandler_free(&handler);
    int same;
    MPI_Comm_compare(MPI_COMM_WORLD, w->comm->world, &same);
    assert_int_equal(same, MPI_CONGRUENT);
}

static void a_second_communicator_joins_and_leaves_mpi_running(void **state)
{
    world *const w = *state;
    flo_comm *second;
    assert_int_equal(flo_comm_start(w->context, NULL, NULL, &second), FLO_OK);
    assert_int_equal(flo_comm_size(second), flo_comm_size(w->comm));
    flo_comm_finish(&second);
    assert_null(second);
    flo_comm_barrier(w->comm);
}

/* All 2^R patterns of failing ranks. */
static void all_agree_on_the_lowest_failing_rank(void **state)
{
    world *const w = *state;
    const int rank = flo_comm_rank(w->comm), size = flo_comm_size(w->comm);
    for (int pattern = 0; pattern < 1 << size; pattern++) {
        int lowest = 0;
        while (lowest < size && !(pattern >> lowest & 1))
            lowest++;
        flo_status status = FLO_OK;
        if (pattern >> rank & 1)
            status = flo_fail(w->context, (flo_status)(FLO_ERROR_FILE + rank),
                              "rank %d says no to %d", rank, pattern);
        status = flo_comm_agree(w->comm, w->context, status);
        if (pattern == 0) {
            assert_int_equal(status, FLO_OK);
            continue;
        }
        char wanted[64];
        snprintf(wanted, sizeof wanted, "rank %d says no to %d", lowest, pattern);
        assert_int_equal(status, FLO_ERROR_FILE + lowest);
        assert_string_equal(flo_context_message(w->context), wanted);
    }
}

static void broadcast_copies_rank_0(void **state)
{
    world *const w = *state;
    const bool is_root = flo_comm_rank(w->comm) == 0;
    for (int size = 0; size < COUNT; size++) {
        unsigned char bytes[COUNT];
        for (int i = 0; i < COUNT; i++)
            bytes[i] = (unsigned char)(is_root ? i + 1 : 200);
        flo_comm_broadcast(w->comm, bytes, size);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(bytes[i], i < size || is_root ? i + 1 : 200);
    }
}

static void a_text_reaches_all(void **state)
{
    world *const w = *state;
    static const char *const texts[] = {"", "run: {seed: 1}\nlonger than one piece\n"};
    for (int i = 0; i < 2; i++) {
        char *text = NULL;
        if (flo_comm_rank(w->comm) == 0) {
            assert_int_equal(
                flo_allocate(w->context, (int64_t)strlen(texts[i]) + 1, 1, &text),
                FLO_OK);
            strcpy(text, texts[i]);
        }
        assert_int_equal(flo_comm_broadcast_text(w->comm, w->context, &text), FLO_OK);
        assert_string_equal(text, texts[i]);
        flo_free(w->context, &text);
    }
}

static void a_rank_without_memory_for_the_text_is_agreed_on(void **state)
{
    world *const w = *state;
    const int rank = flo_comm_rank(w->comm), last = flo_comm_size(w->comm) - 1;
    if (last == 0)
        return;
    char own[] = "text";
    char *text = rank == 0 ? own : NULL;
    const int64_t before = (int64_t)w->context->live;
    if (rank == last)
        w->context->fail_at = (int64_t)w->context->made + 1;
    assert_int_equal(flo_comm_broadcast_text(w->comm, w->context, &text),
                     FLO_ERROR_MEMORY);
    w->context->fail_at = 0;
    assert_int_equal(w->context->live, before);
    assert_true(text == (rank == 0 ? own : NULL));
    assert_non_null(strstr(flo_context_message(w->context), "out of memory"));
}

/* Values of every magnitude and both signs. */
static double slot_value(int slot)
{
    return slot == 3 ? INFINITY : ldexp(slot % 2 ? -1.0 / 3 : 0.7, 40 * slot - 400);
}

static void shared_slots_keep_every_bit(void **state)
{
    world *const w = *state;
    const int rank = flo_comm_rank(w->comm), size = flo_comm_size(w->comm);
    double slots[COUNT];
    for (int i = 0; i < COUNT; i++)
        slots[i] = i % size == rank ? slot_value(i) : 0;
    flo_comm_share(w->comm, slots, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_true(slots[i] == slot_value(i));
    double zero = rank == size - 1 ? -0.0 : 0.0;
    flo_comm_share(w->comm, &zero, 1);
    assert_false(signbit(zero));
    double bad = rank == 0 ? (double)NAN : 0;
    flo_comm_share(w->comm, &bad, 1);
    assert_true(isnan(bad));
}

static void integers_are_summed(void **state)
{
    world *const w = *state;
    const int rank = flo_comm_rank(w->comm), size = flo_comm_size(w->comm);
    int64_t values[COUNT];
    for (int64_t i = 0; i < COUNT; i++)
        values[i] = (rank + 1) * i * ((int64_t)1 << 40);
    flo_comm_sum_integers(w->comm, values, COUNT);
    for (int64_t i = 0; i < COUNT; i++)
        assert_true(values[i] == size * (size + 1) / 2 * i * ((int64_t)1 << 40));
}

/* Rank r holds order[(i + r) mod n] at place i: so each rank holds each neighbourhood,
   and the least and greatest are known from the order. */
static void extremes_follow_one_total_order(void **state)
{
    world *const w = *state;
    static const double order[] = {-INFINITY, -1e300, -1e-310, -0.0,     0.0,
                                   1e-310,    1.0,    1e300,   INFINITY, (double)NAN};
    enum { ORDER = sizeof order / sizeof order[0] };
    const int rank = flo_comm_rank(w->comm), size = flo_comm_size(w->comm);
    double low[ORDER], high[ORDER];
    for (int i = 0; i < ORDER; i++)
        low[i] = high[i] = order[(i + rank) % ORDER];
    low[0] = high[0] =
        rank == size - 1 ? -order[ORDER - 1] : 5.0; /* NaN of both signs */
    flo_comm_minimum(w->comm, low, ORDER);
    flo_comm_maximum(w->comm, high, ORDER);
    assert_true(size == 1 ? isnan(low[0]) : low[0] == 5.0);
    assert_true(isnan(high[0]));
    for (int i = 1; i < ORDER; i++) {
        const bool wraps = i + size > ORDER;
        const double least = order[wraps ? 0 : i];
        const double greatest = order[wraps ? ORDER - 1 : i + size - 1];
        assert_true(low[i] == least || (isnan(low[i]) && isnan(least)));
        assert_true(high[i] == greatest || (isnan(high[i]) && isnan(greatest)));
        assert_int_equal(!signbit(low[i]), isnan(least) || !signbit(least));
        assert_int_equal(!signbit(high[i]), isnan(greatest) || !signbit(greatest));
    }
}

static void same_sees_any_other_rank(void **state)
{
    world *const w = *state;
    const int rank = flo_comm_rank(w->comm), size = flo_comm_size(w->comm);
    assert_true(flo_comm_same(w->comm, UINT64_MAX));
    assert_true(flo_comm_same(w->comm, 0));
    for (int other = 0; other < size; other++)
        for (int bit = 0; bit < 64; bit += 21) {
            const uint64_t bits = 0x123456789abcdef0u;
            const uint64_t change = rank == other ? (uint64_t)1 << bit : 0;
            assert_int_equal(flo_comm_same(w->comm, bits ^ change), size == 1);
        }
}

/* Rank r brings r * 11 mod 19 values: rank 0 none, others one piece or several. */
static void gather_keeps_the_order_of_ranks(void **state)
{
    world *const w = *state;
    const int rank = flo_comm_rank(w->comm), size = flo_comm_size(w->comm);
    for (int shift = 0; shift < 2; shift++) {
        flo_real reals[19], all_reals[4 * 19];
        double doubles[19], all_doubles[4 * 19];
        unsigned char bytes[19], all_bytes[4 * 19];
        const int count = (rank + shift) * 11 % 19;
        for (int i = 0; i < count; i++) {
            reals[i] = (flo_real)(100 * rank + i);
            doubles[i] = 1000 * rank + i;
            bytes[i] = (unsigned char)(50 * rank + i);
        }
        flo_comm_gather_reals(w->comm, reals, count, rank == 0 ? all_reals : NULL);
        flo_comm_gather_doubles(w->comm, doubles, count,
                                rank == 0 ? all_doubles : NULL);
        flo_comm_gather_bytes(w->comm, bytes, count, rank == 0 ? all_bytes : NULL);
        int at = 0;
        for (int r = 0; rank == 0 && r < size; r++)
            for (int i = 0; i < (r + shift) * 11 % 19; i++, at++) {
                assert_true(all_reals[at] == (flo_real)(100 * r + i));
                assert_true(all_doubles[at] == 1000 * r + i);
                assert_int_equal(all_bytes[at], 50 * r + i);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rank_and_size_are_those_of_the_world),
        cmocka_unit_test(the_callers_error_handler_is_left_alone),
        cmocka_unit_test(a_second_communicator_joins_and_leaves_mpi_running),
        cmocka_unit_test(all_agree_on_the_lowest_failing_rank),
        cmocka_unit_test(broadcast_copies_rank_0),
        cmocka_unit_test(a_text_reaches_all),
        cmocka_unit_test(a_rank_without_memory_for_the_text_is_agreed_on),
        cmocka_unit_test(shared_slots_keep_every_bit),
        cmocka_unit_test(integers_are_summed),
        cmocka_unit_test(extremes_follow_one_total_order),
        cmocka_unit_test(same_sees_any_other_rank),
        cmocka_unit_test(gather_keeps_the_order_of_ranks),
    };
    return cmocka_run_group_tests(tests, set_up, world_teardown);
}
