/* Who is to blame: sightings made by hand, verdicts read. */
#include "comm/watch_verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { RANKS = 4, MOST_RANKS = 40 };

static const double timeout = 10, now = 100;

/* A rank, seen from rank `me` at `now`. */
typedef struct scene {
    flo_sighting sighting[MOST_RANKS];
    int size;
} scene;

/* All wait in the exchange of step 52, still for 12 s, with fresh beats; ranks 2k and
   2k + 1 share a host. */
static scene waiting(int size)
{
    scene s = {.size = size};
    for (int rank = 0; rank < size; rank++) {
        flo_sighting *const sighting = &s.sighting[rank];
        *sighting = (flo_sighting){.seen = true, .changed_seconds = now};
        sighting->last = (flo_watch_record){.rank = rank,
                                            .pid = 1000 + rank,
                                            .beats = 7,
                                            .still_seconds = 12,
                                            .step = 52,
                                            .phase = FLO_PHASE_GRADIENT,
                                            .wait = FLO_WAIT_EXCHANGE};
        snprintf(sighting->last.host, sizeof sighting->last.host, "h%d", rank / 2);
    }
    return s;
}

static void silence(scene *s, int rank, double seconds)
{
    s->sighting[rank].changed_seconds = now - seconds;
    s->sighting[rank].last.still_seconds = 0;
}

static void stick(scene *s, int rank, flo_phase phase)
{
    s->sighting[rank].last.phase = (int32_t)phase;
    s->sighting[rank].last.wait = FLO_WAIT_NONE;
}

static bool is_over(const scene *s, int me)
{
    return flo_watch_is_over(s->sighting, s->size, me, now, timeout);
}

/* Hosts that do not answer, of those asked; how often any was. */
static const char *silent_hosts;
static int asked;

static bool reach(const flo_watch_record *other, char *reason, size_t size)
{
    asked++;
    snprintf(reason, size, "10.0.0.%d: No route to host", (int)other->rank);
    return !strstr(silent_hosts, other->host);
}

static flo_verdict judge(const scene *s, int me)
{
    flo_verdict verdict;
    asked = 0;
    flo_watch_judge(s->sighting, s->size, me, now, timeout, reach, &verdict);
    return verdict;
}

#define says(text, part)                                                               \
    do {                                                                               \
        if (!strstr(text, part))                                                       \
            fail_msg("'%s' not in: %s", part, text);                                   \
    } while (0)

static void it_is_over_when_nobody_moves(void **state)
{
    (void)state;
    scene s = waiting(RANKS);
    assert_true(is_over(&s, 0));
    s.sighting[3].last.still_seconds = 9.9;
    assert_false(is_over(&s, 0)); /* it works */
    silence(&s, 3, 4.9);
    assert_false(is_over(&s, 0)); /* its last beat is not long ago */
    silence(&s, 3, 5.1);
    assert_true(is_over(&s, 0));
    s.sighting[0].last.still_seconds = 9.9;
    assert_false(is_over(&s, 0)); /* itself */
}

static void what_is_not_known_is_waited_for(void **state)
{
    (void)state;
    scene s = waiting(RANKS);
    s.sighting[2].seen = false;
    assert_false(is_over(&s, 0));
    s.sighting[0].last.still_seconds = 99;
    assert_false(is_over(&s, 0));
    s.sighting[0].last.still_seconds = 101;
    assert_true(is_over(&s, 0));
    for (int rank = 1; rank < RANKS; rank++)
        s.sighting[rank].seen = false;
    s.sighting[0].last.still_seconds = 11;
    assert_false(is_over(&s, 0)); /* waits, alone */
    stick(&s, 0, FLO_PHASE_READING);
    assert_true(is_over(&s, 0)); /* is stuck, alone */
    s.sighting[1].seen = true;
    assert_false(is_over(&s, 0));
}

static void silent_ranks_come_first(void **state)
{
    (void)state;
    for (int me = 0; me < RANKS; me++)
        for (int dead = 0; dead < RANKS; dead++) {
            scene s = waiting(RANKS);
            char wanted[160];
            if (dead == me)
                continue;
            silence(&s, dead, 7);
            stick(&s, me, FLO_PHASE_READING);
            const flo_verdict v = judge(&s, me);
            snprintf(wanted, sizeof wanted,
                     "no sign of life from rank %d of 4 on h%d (pid %d) for 7 s, last "
                     "seen in step 52, computing the gradient (waiting in the exchange "
                     "of gradients)",
                     dead, dead / 2, 1000 + dead);
            assert_string_equal(v.text, wanted);
            assert_int_equal(v.teller, dead == 0 ? 1 : 0);
            assert_int_equal(asked, 0);
        }
}

static void who_is_stuck_outside_mpi_comes_next(void **state)
{
    (void)state;
    scene s = waiting(RANKS);
    stick(&s, 2, FLO_PHASE_READING);
    const flo_verdict v = judge(&s, 3);
    assert_string_equal(v.text,
                        "rank 2 of 4 on h1 (pid 1002) has been reading rows for "
                        "12 s in step 52, and the others wait");
    assert_int_equal(v.teller, 0);
    stick(&s, 0, FLO_PHASE_CHECKPOINT);
    s.sighting[0].last.step = 0;
    says(judge(&s, 3).text,
         "rank 0 of 4 on h0 (pid 1000) has been writing a checkpoint "
         "for 12 s; rank 2 of 4 on h1");
}

static void hosts_are_asked_when_all_wait(void **state)
{
    (void)state;
    const scene s = waiting(6);
    silent_hosts = "h1";
    flo_verdict v = judge(&s, 4);
    assert_string_equal(v.text, "rank 2 of 6 on h1 (pid 1002) does not answer over the "
                                "network (10.0.0.2: No route to host)");
    assert_int_equal(v.teller, 0);
    assert_int_equal(asked, 2);
    silent_hosts = "h0 h1";
    v = judge(&s, 4);
    says(v.text, "rank 0 of 6");
    says(v.text, "; rank 2 of 6");
    says(v.text, "h2 reaches no other host and seems cut off itself");
    assert_int_equal(v.teller, 4);
    silent_hosts = "h0";
    v = judge(&s, 5); /* its own host's lowest rank is not the one to be told by */
    says(v.text, "rank 0 of 6");
    assert_int_equal(v.teller, 2);
}

static void or_each_waits_for_the_others(void **state)
{
    (void)state;
    const scene s = waiting(6);
    silent_hosts = "";
    flo_verdict v = judge(&s, 3);
    says(v.text,
         "no rank has gone on for 12 s, each waits for the others: rank 0 of 6 on "
         "h0 (pid 1000) in step 52, computing the gradient (waiting in the "
         "exchange of gradients); rank 1");
    says(v.text, "; and 2 more");
    assert_int_equal(v.teller, 0);
    scene alone = waiting(2);
    alone.sighting[0].seen = false;
    v = judge(&alone, 1);
    says(v.text, "nothing was heard of the others");
    assert_int_equal(v.teller, 1);
}

/* Texts are cut, not overrun. */
static void many_ranks_fit(void **state)
{
    (void)state;
    scene s = waiting(MOST_RANKS);
    for (int rank = 0; rank < MOST_RANKS; rank++) {
        memset(s.sighting[rank].last.host, 'x', FLO_WATCH_HOST_BYTES - 1);
        if (rank)
            silence(&s, rank, 6);
    }
    const flo_verdict v = judge(&s, 0);
    assert_true(strlen(v.text) < sizeof v.text);
    says(v.text, "rank 4 of 40");
}

static void beats_count_not_their_times(void **state)
{
    (void)state;
    flo_sighting s = {.seen = false};
    flo_watch_record r = {.beats = 5};
    flo_watch_sight(&s, &r, 10);
    assert_true(s.seen && s.changed_seconds == 10);
    flo_watch_sight(&s, &r, 12);
    assert_true(s.changed_seconds == 10);
    r.beats = 4; /* read late, out of a cache: it is another one all the same */
    flo_watch_sight(&s, &r, 13);
    assert_true(s.changed_seconds == 13);
}

static void a_sleep_of_its_own_does_not_count(void **state)
{
    (void)state;
    assert_true(flo_watch_passed(0.5, 1) == 0.5);
    assert_true(flo_watch_passed(1.9, 1) == 1.9);
    assert_true(flo_watch_passed(3600, 1) == 2);
    assert_true(flo_watch_passed(-3600, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_over_when_nobody_moves),
        cmocka_unit_test(what_is_not_known_is_waited_for),
        cmocka_unit_test(silent_ranks_come_first),
        cmocka_unit_test(who_is_stuck_outside_mpi_comes_next),
        cmocka_unit_test(hosts_are_asked_when_all_wait),
        cmocka_unit_test(or_each_waits_for_the_others),
        cmocka_unit_test(many_ranks_fit),
        cmocka_unit_test(beats_count_not_their_times),
        cmocka_unit_test(a_sleep_of_its_own_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
