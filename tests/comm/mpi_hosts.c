/* The hosts of 1 to 4 ranks, the memory that their ranks share, and where they meet. */
#include "comm/hosts.h"
#include "comm/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 5, ROUNDS = 2000, UNDISTURBED = 16 << 20 };

static bool signals_come;
static int64_t claimed;

/* In place of the C library's: where signals come, as older kernels have it. A call
   that one meets gives back what it took; a long one always meets one. */
int fallocate(int file, int mode, off_t first, off_t length)
{
    static bool disturbed;
    disturbed = !disturbed && signals_come;
    if (disturbed || (signals_come && length > UNDISTURBED)) {
        errno = EINTR;
        return -1;
    }
    claimed += signals_come ? length : 0;
    return (int)syscall(SYS_fallocate, file, mode, first, length);
}

static int rank_of(const world *w)
{
    return flo_comm_rank(w->comm);
}

static int size_of(const world *w)
{
    return flo_comm_size(w->comm);
}

static void find(world *w, int most)
{
    assert_int_equal(flo_hosts_find(w->comm, w->context, most), FLO_OK);
    assert_string_equal(flo_hosts_note(w->comm), "");
}

/* What is said of hosts of `most` ranks but the last, which has the rest. */
static void check_hosts(const world *w, int most)
{
    const int count = (size_of(w) + most - 1) / most,
              rest = size_of(w) - (count - 1) * most;
    assert_int_equal(flo_hosts_count(w->comm), count);
    assert_int_equal(flo_hosts_least(w->comm), rest < most ? rest : most);
    for (int host = 0; host <= count; host++)
        assert_int_equal(flo_hosts_first(w->comm, host),
                         host < count ? host * most : size_of(w));
    assert_int_equal(flo_host_number(w->comm), rank_of(w) / most);
    assert_int_equal(flo_host_rank(w->comm), rank_of(w) % most);
    assert_int_equal(flo_host_size(w->comm),
                     rank_of(w) / most < count - 1 ? most : rest);
}

static void hosts_are_runs_of_ranks(void **state)
{
    world *const w = *state;
    check_hosts(w, 1);
    for (int most = 1; most < MOST; most++) {
        find(w, most);
        check_hosts(w, most < size_of(w) ? most : size_of(w));
    }
    find(w, 0);
    check_hosts(w, size_of(w));
    find(w, 1);
    check_hosts(w, 1);
}

/* Every rank of a host sees what the others wrote, and nothing of other hosts. */
static void memory_is_of_one_host(void **state)
{
    world *const w = *state;
    enum { PART = 100000 };
    for (int most = 0; most < MOST; most++) {
        flo_shared_memory *memory;
        find(w, most);
        const int rank = flo_host_rank(w->comm), size = flo_host_size(w->comm);
        assert_int_equal(flo_shared_memory_create(w->comm, w->context,
                                                  (int64_t)size * PART, &memory),
                         FLO_OK);
        unsigned char *const at = flo_shared_memory_at(memory);
        assert_int_equal((uintptr_t)at % 64, 0);
        assert_int_equal(flo_shared_memory_claim(memory, (int64_t)rank * PART, PART),
                         FLO_OK);
        for (int i = 0; i < PART; i++)
            assert_int_equal(at[rank * PART + i], 0);
        memset(at + rank * PART, rank_of(w) + 1, PART);
        flo_host_meet(w->comm);
        for (int i = 0; i < size * PART; i++)
            assert_int_equal(at[i], rank_of(w) - rank + i / PART + 1);
        flo_shared_memory_destroy(&memory);
        assert_null(memory);
        flo_shared_memory_destroy(&memory);
    }
}

/* All hosts get what rank 0 alone has, in any number of messages. */
static void memory_is_copied_to_all_hosts(void **state)
{
    world *const w = *state;
    static const int64_t sizes[] = {1, 1 << 18, (3 << 18) + 5};
    for (int most = 0; most < MOST; most++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            unsigned char *bytes = NULL;
            flo_shared_memory *memory;
            find(w, most);
            if (rank_of(w) == 0)
                assert_int_equal(flo_allocate(w->context, sizes[k], 1, &bytes), FLO_OK);
            for (int64_t i = 0; bytes && i < sizes[k]; i++)
                bytes[i] = (unsigned char)(i % 251 + 1);
            assert_int_equal(
                flo_shared_memory_copy(w->comm, w->context, bytes, sizes[k], &memory),
                FLO_OK);
            const unsigned char *const at = flo_shared_memory_at(memory);
            for (int64_t i = 0; i < sizes[k]; i++)
                if (at[i] != i % 251 + 1)
                    fail_msg("byte %lld of %lld: %d", (long long)i, (long long)sizes[k],
                             at[i]);
            flo_free(w->context, &bytes);
            flo_shared_memory_destroy(&memory);
        }
}

/* Nobody passes a meeting before all are there, time after time. */
static void meetings_hold_everyone(void **state)
{
    world *const w = *state;
    flo_shared_memory *memory;
    find(w, 0);
    assert_int_equal(flo_shared_memory_create(w->comm, w->context,
                                              size_of(w) * (int64_t)sizeof(int),
                                              &memory),
                     FLO_OK);
    volatile int *const round = flo_shared_memory_at(memory);
    for (int i = 1; i <= ROUNDS; i++) {
        if (i % 500 == rank_of(w))
            usleep(300);
        round[rank_of(w)] = i;
        flo_host_meet(w->comm);
        for (int rank = 0; rank < size_of(w); rank++)
            assert_in_range(round[rank], i, i + 1);
    }
    flo_shared_memory_destroy(&memory);
}

/* One rank's next file is one too many. */
static void ranks_that_cannot_share_send_messages(void **state)
{
    world *const w = *state;
    for (int failing = 0; failing < size_of(w) && size_of(w) > 1; failing++) {
        struct rlimit files;
        find(w, 1);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
        const int next = dup(0);
        close(next);
        const struct rlimit none = {(rlim_t)next, files.rlim_max};
        if (rank_of(w) == failing)
            assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        assert_int_equal(flo_hosts_find(w->comm, w->context, 0), FLO_OK);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
        check_hosts(w, 1);
        const char *const note = flo_hosts_note(w->comm);
        assert_non_null(strstr(note, "the ranks of a host cannot share"));
        assert_non_null(
            strstr(note, failing ? "opening that of another process" : "memfd_create"));
        assert_non_null(strstr(note, "Too many open files"));
        find(w, 0); /* nothing of that is left */
        check_hosts(w, size_of(w));
    }
}

/* `ulimit -f` is no reason to die. */
static void memory_past_a_limit_is_refused(void **state)
{
    world *const w = *state;
    struct rlimit bytes;
    flo_shared_memory *memory;
    if (size_of(w) == 1)
        return;
    find(w, 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &bytes), 0);
    const struct rlimit few = {100000, bytes.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    assert_int_equal(flo_shared_memory_create(w->comm, w->context, 100001, &memory),
                     FLO_ERROR_FILE);
    assert_null(memory);
    assert_non_null(strstr(flo_context_message(w->context), "100001 bytes"));
    assert_non_null(strstr(flo_context_message(w->context), "comm.shared_ranks: 1"));
    assert_int_equal(flo_shared_memory_create(w->comm, w->context, 100000, &memory),
                     FLO_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(flo_shared_memory_claim(memory, 0, 100001), FLO_ERROR_MEMORY);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &bytes), 0);
    flo_shared_memory_destroy(&memory);
}

/* A claim while signals come, a profiler's or the one that asks the run to stop. */
static void signals_do_not_stop_a_claim(void **state)
{
    world *const w = *state;
    enum { BYTES = 64 << 20 };
    flo_shared_memory *memory;
    find(w, 0);
    assert_int_equal(flo_shared_memory_create(w->comm, w->context, BYTES, &memory),
                     FLO_OK);
    signals_come = true;
    const flo_status status = flo_shared_memory_claim(memory, 100, BYTES - 100);
    signals_come = false;
    assert_int_equal(status, FLO_OK);
    assert_true(size_of(w) == 1 || claimed == BYTES - 100);
    flo_shared_memory_destroy(&memory);
}

static flo_status find_and_create(world *w)
{
    flo_shared_memory *memory;
    FLO_TRY(flo_hosts_find(w->comm, w->context, 3));
    FLO_TRY(flo_shared_memory_create(w->comm, w->context, 1000, &memory));
    flo_shared_memory_destroy(&memory);
    return FLO_OK;
}

/* Each allocation in turn fails on each rank in turn. */
static void a_rank_without_memory_is_agreed_on(void **state)
{
    world *const w = *state;
    for (int failing = 0; failing < size_of(w); failing++) {
        flo_status status = FLO_ERROR_MEMORY;
        for (int64_t nth = 1; status != FLO_OK; nth++) {
            find(w, 1);
            const int64_t before = (int64_t)w->context->live;
            if (rank_of(w) == failing)
                w->context->fail_at = (int64_t)w->context->made + nth;
            status = find_and_create(w);
            w->context->fail_at = 0;
            assert_true(status == FLO_OK || status == FLO_ERROR_MEMORY);
            assert_true(status != FLO_OK || nth > (size_of(w) > 1 ? 3 : 2));
            find(w, 1);
            assert_int_equal(w->context->live, before);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_runs_of_ranks),
        cmocka_unit_test(memory_is_of_one_host),
        cmocka_unit_test(memory_is_copied_to_all_hosts),
        cmocka_unit_test(meetings_hold_everyone),
        cmocka_unit_test(ranks_that_cannot_share_send_messages),
        cmocka_unit_test(memory_past_a_limit_is_refused),
        cmocka_unit_test(signals_do_not_stop_a_claim),
        cmocka_unit_test(a_rank_without_memory_is_agreed_on),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
