/* The watchdog of a job in which nobody is to blame, and the vote on bits. */
#include "comm/comm_private.h"
#include "comm/dissent.h"
#include "comm/watch.h"
#include "comm/watch_board.h"
#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { MOST_RANKS = 4 };

typedef struct world {
    flo_context *context;
    flo_comm *comm;
    char path[64]; /* of a board; the same on all ranks */
} world;

static int set_up(void **state)
{
    static world w;
    *state = &w;
    /* A failing rank ends the job by abort: the others wait in the next collective. */
    if (setenv("CMOCKA_TEST_ABORT", "1", 1) != 0)
        return -1;
    if (flo_context_create(&w.context) != FLO_OK ||
        flo_comm_start(w.context, NULL, NULL, &w.comm) != FLO_OK)
        return -1;
    snprintf(w.path, sizeof w.path, "/tmp/flotilla-watch-%ld", (long)getpid());
    flo_comm_broadcast(w.comm, w.path, sizeof w.path);
    return 0;
}

static int tear_down(void **state)
{
    world *const w = *state;
    flo_comm_finish(&w->comm);
    return flo_context_destroy(&w->context) == 0 ? 0 : -1;
}

static void pause_shortly(void)
{
    const struct timespec time = {.tv_nsec = 10000000};
    nanosleep(&time, NULL);
}

static void start(world *w, double timeout)
{
    const flo_watch_task task = {.timeout_seconds = timeout, .advice = "look at it"};
    assert_int_equal(flo_watch_start(w->comm, w->context, &task), FLO_OK);
}

/* The records of all ranks, once all say that they are in `step`; false after 20 s. */
static bool all_are_in(const world *w, int64_t step)
{
    const int size = flo_comm_size(w->comm);
    flo_watch_record record[MOST_RANKS + 1];
    const double begin = flo_seconds();
    while (flo_seconds() - begin < 20) {
        bool held[MOST_RANKS];
        uint64_t job = 0;
        FILE *const file = fopen(w->path, "rb");
        assert_non_null(file);
        if (fread(record, sizeof *record, 1, file) == 1)
            job = record[0].job;
        fclose(file);
        int in = 0;
        if (flo_watch_board_read(w->path, job, size, record, held) == 0)
            for (int rank = 0; rank < size; rank++)
                in += held[rank] && record[rank].step == step &&
                      record[rank].phase == FLO_PHASE_READING;
        if (in == size)
            return true;
        pause_shortly();
    }
    return false;
}

static void every_rank_says_where_it_is(void **state)
{
    world *const w = *state;
    char reason[256] = "?";
    start(w, 60);
    assert_true(flo_watch_share(w->comm, w->path, reason, sizeof reason));
    flo_watch_at(w->comm, FLO_PHASE_READING, 1234);
    if (flo_comm_size(w->comm) > 1) {
        assert_string_equal(reason, "");
        assert_true(all_are_in(w, 1234));
    }
    flo_watch_stop(w->comm);
    flo_comm_barrier(w->comm);
    assert_int_equal(access(w->path, F_OK), -1);
}

static void a_board_that_cannot_be_is_told_to_all(void **state)
{
    world *const w = *state;
    char reason[256];
    if (flo_comm_size(w->comm) == 1)
        return;
    start(w, 60);
    assert_false(flo_watch_share(w->comm, "/nowhere/board", reason, sizeof reason));
    assert_non_null(strstr(reason, "rank 0 on "));
    assert_non_null(strstr(reason, "/nowhere/board: No such file"));
    flo_watch_stop(w->comm);
}

/* The last rank works alone for longer than the timeout; then all wait for rank 0,
   which counts nothing for less than that. */
static void who_works_is_waited_for(void **state)
{
    world *const w = *state;
    char reason[256];
    const int rank = flo_comm_rank(w->comm);
    start(w, 1);
    assert_true(flo_watch_share(w->comm, w->path, reason, sizeof reason));
    const double begin = flo_seconds();
    while (rank == flo_comm_size(w->comm) - 1 && flo_seconds() - begin < 1.6) {
        flo_worked(w->context);
        pause_shortly();
    }
    flo_comm_barrier(w->comm);
    while (rank == 0 && flo_seconds() - begin < 2)
        pause_shortly();
    flo_comm_barrier(w->comm);
    flo_watch_stop(w->comm);
}

static void who_differs_is_named_to_all(void **state)
{
    world *const w = *state;
    const int rank = flo_comm_rank(w->comm), size = flo_comm_size(w->comm);
    char text[256] = "", wanted[512];
    assert_true(flo_comm_same_or_named(w->comm, 5, text, sizeof text));
    assert_string_equal(text, "");
    for (int other = 0; other < size && size > 2; other++) {
        const uint64_t bits = rank == other ? 6 : 5;
        assert_false(flo_comm_same_or_named(w->comm, bits, text, sizeof text));
        snprintf(wanted, sizeof wanted, "rank %d on %s differs from the other %d",
                 other, w->comm->host, size - 1);
        assert_string_equal(text, wanted);
    }
    if (size == 1)
        return;
    assert_false(flo_comm_same_or_named(w->comm, (uint64_t)rank, text, sizeof text));
    assert_non_null(strstr(text, "no more than half"));
}

static void a_majority_is_more_than_half(void **state)
{
    (void)state;
    uint64_t value;
    const uint64_t bits[] = {7, 8, 8, 9, 8, 7, 8};
    assert_true(flo_majority(bits, 7, &value));
    assert_int_equal(value, 8);
    assert_false(flo_majority(bits, 6, &value));
    assert_true(flo_majority(bits, 5, &value));
    assert_true(flo_majority(bits, 1, &value));
    assert_int_equal(value, 7);
    assert_false(flo_majority(bits, 2, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rank_says_where_it_is),
        cmocka_unit_test(a_board_that_cannot_be_is_told_to_all),
        cmocka_unit_test(who_works_is_waited_for),
        cmocka_unit_test(who_differs_is_named_to_all),
        cmocka_unit_test(a_majority_is_more_than_half),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
