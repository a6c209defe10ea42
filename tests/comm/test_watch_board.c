/* The board: what is read is what was written whole, by this job; the network asked. */
#include "comm/watch_board.h"
#include "comm/watch_reach.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { RANKS = 3, JOB = 77 };

typedef struct board {
    char folder[64], path[96];
    flo_watch_record record[RANKS];
    bool held[RANKS];
} board;

static int set_up(void **state)
{
    board *const b = calloc(1, sizeof *b);
    *state = b;
    if (!b)
        return -1;
    strcpy(b->folder, "/tmp/flotilla-board-XXXXXX");
    if (!mkdtemp(b->folder))
        return -1;
    snprintf(b->path, sizeof b->path, "%s/heartbeats", b->folder);
    return flo_watch_board_create(b->path, JOB);
}

static int tear_down(void **state)
{
    board *const b = *state;
    unlink(b->path);
    rmdir(b->folder);
    free(b);
    return 0;
}

static flo_watch_record record_of(int rank)
{
    return (flo_watch_record){
        .job = JOB, .rank = rank, .beats = 9, .still_seconds = 1.5, .host = "here"};
}

static void write_rank(const board *b, int rank)
{
    flo_watch_record r = record_of(rank);
    assert_int_equal(flo_watch_board_write(b->path, &r), 0);
}

static void read_all(board *b)
{
    assert_int_equal(flo_watch_board_read(b->path, JOB, RANKS, b->record, b->held), 0);
}

static void every_rank_has_its_place(void **state)
{
    board *const b = *state;
    read_all(b);
    for (int rank = 0; rank < RANKS; rank++)
        assert_false(b->held[rank]);
    write_rank(b, 2); /* leaves a hole */
    write_rank(b, 0);
    read_all(b);
    assert_true(b->held[0] && !b->held[1] && b->held[2]);
    assert_int_equal(b->record[2].rank, 2);
    assert_true(b->record[2].still_seconds == 1.5);
    assert_string_equal(b->record[0].host, "here");
}

/* A bit flipped anywhere in a record, and a file cut anywhere. */
static void a_torn_record_is_never_believed(void **state)
{
    board *const b = *state;
    const off_t begin = 2 * FLO_WATCH_RECORD_BYTES; /* of rank 1 */
    write_rank(b, 0);
    write_rank(b, 1);
    const int file = open(b->path, O_RDWR | O_CLOEXEC);
    for (off_t at = 0; at < FLO_WATCH_RECORD_BYTES; at++) {
        unsigned char byte;
        assert_int_equal(pread(file, &byte, 1, begin + at), 1);
        byte ^= (unsigned char)(1 << at % 8);
        assert_int_equal(pwrite(file, &byte, 1, begin + at), 1);
        read_all(b);
        assert_true(b->held[0] && !b->held[1]);
        byte ^= (unsigned char)(1 << at % 8);
        assert_int_equal(pwrite(file, &byte, 1, begin + at), 1);
    }
    read_all(b);
    assert_true(b->held[1]);
    assert_int_equal(ftruncate(file, begin + FLO_WATCH_RECORD_BYTES - 1), 0);
    read_all(b);
    assert_true(b->held[0] && !b->held[1]);
    close(file);
}

static void another_jobs_board_is_left_alone(void **state)
{
    board *const b = *state;
    flo_watch_record r = record_of(0);
    write_rank(b, 1);
    r.job = JOB + 1;
    assert_int_equal(flo_watch_board_write(b->path, &r), ESTALE);
    assert_int_equal(flo_watch_board_read(b->path, JOB + 1, RANKS, b->record, b->held),
                     ESTALE);
    flo_watch_board_remove(b->path, JOB + 1);
    read_all(b);
    assert_true(!b->held[0] && b->held[1]);
    assert_int_equal(flo_watch_board_create(b->path, JOB + 1), 0); /* the next start */
    assert_int_equal(flo_watch_board_read(b->path, JOB + 1, RANKS, b->record, b->held),
                     0);
    assert_false(b->held[1]);
    r.job = JOB;
    assert_int_equal(flo_watch_board_write(b->path, &r), ESTALE);
    flo_watch_board_remove(b->path, JOB + 1);
    assert_int_equal(access(b->path, F_OK), -1);
    assert_int_equal(flo_watch_board_write(b->path, &r), ENOENT);
    assert_int_equal(flo_watch_board_read(b->path, JOB, RANKS, b->record, b->held),
                     ENOENT);
}

/* The loopback answers; 192.0.2.1 (RFC 5737: nobody's) does not. */
static void the_network_is_asked(void **state)
{
    (void)state;
    char reason[128] = "";
    flo_watch_record r = {.addresses = 1};
    r.address[0] = htonl(INADDR_LOOPBACK);
    assert_true(flo_watch_reaches(&r, reason, sizeof reason));
    r.address[0] = inet_addr("192.0.2.1");
    r.addresses = 2;
    r.address[1] = htonl(INADDR_LOOPBACK);
    assert_true(flo_watch_reaches(&r, reason, sizeof reason)); /* one answers */
    r.addresses = 0;
    assert_true(flo_watch_reaches(&r, reason, sizeof reason)); /* nothing known */
    flo_watch_addresses(&r);
    assert_true(
        flo_watch_reaches(&r, reason, sizeof reason)); /* its own tell nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_rank_has_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_torn_record_is_never_believed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_jobs_board_is_left_alone, set_up,
                                        tear_down),
        cmocka_unit_test(the_network_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
