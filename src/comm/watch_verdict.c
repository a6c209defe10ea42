/* The verdict, from what one rank saw of the others. */
#include "comm/watch_verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMED = 4, BLIND_TIMEOUTS = 10 };

/* The sightings as the rank that judges sees them. */
typedef struct court {
    const flo_sighting *sighting;
    int size, me;
    double now, timeout_seconds;
} court;

double flo_watch_passed(double seconds, double beat_seconds)
{
    const double most = 2 * beat_seconds;
    return seconds < 0 ? 0 : seconds < most ? seconds : most;
}

void flo_watch_sight(flo_sighting *s, const flo_watch_record *record, double now)
{
    if (!s->seen || record->beats != s->last.beats)
        s->changed_seconds = now;
    s->last = *record;
    s->seen = true;
}

static double silence(const court *c, int rank)
{
    return c->now - c->sighting[rank].changed_seconds;
}

static double stillness(const court *c, int rank)
{
    return c->sighting[rank].last.still_seconds + silence(c, rank);
}

/* Half the timeout: ten beats that did not come. */
static bool is_silent(const court *c, int rank)
{
    return rank != c->me && c->sighting[rank].seen &&
           silence(c, rank) >= c->timeout_seconds / 2;
}

/* Alive, and not inside MPI. */
static bool is_stuck(const court *c, int rank)
{
    const flo_sighting *const s = &c->sighting[rank];
    return s->seen && !is_silent(c, rank) && s->last.wait == FLO_WAIT_NONE;
}

bool flo_watch_is_over(const flo_sighting *sighting, int size, int me, double now,
                       double timeout_seconds)
{
    const court c = {sighting, size, me, now, timeout_seconds};
    int unseen = 0;
    for (int rank = 0; rank < size; rank++) {
        unseen += !sighting[rank].seen;
        if (sighting[rank].seen && !is_silent(&c, rank) &&
            stillness(&c, rank) < timeout_seconds)
            return false;
    }
    const bool alone = unseen == size - 1 && is_stuck(&c, me);
    return unseen == 0 || alone ||
           stillness(&c, me) >= BLIND_TIMEOUTS * timeout_seconds;
}

static void add(flo_verdict *v, const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 2, 3));

static void add(flo_verdict *v, const char *format, ...)
{
    const size_t used = strlen(v->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(v->text + used, sizeof v->text - used, format, arguments);
    va_end(arguments);
}

/* "rank 2 of 3 on h2 (pid 123)" */
static void add_name(flo_verdict *v, const court *c, int rank)
{
    const flo_watch_record *const r = &c->sighting[rank].last;
    add(v, "rank %d of %d on %s (pid %d)", rank, c->size, r->host, (int)r->pid);
}

/* Names the ranks for which `is` holds, the first few in full, and returns how many
   there are. */
static int name_ranks(flo_verdict *v, const court *c, bool is(const court *c, int rank),
                      void name(flo_verdict *v, const court *c, int rank))
{
    int count = 0;
    for (int rank = 0; rank < c->size; rank++) {
        if (!is(c, rank))
            continue;
        if (count < MOST_NAMED) {
            add(v, "%s", count ? "; " : "");
            name(v, c, rank);
        }
        count++;
    }
    if (count > MOST_NAMED)
        add(v, "; and %d more", count - MOST_NAMED);
    return count;
}

static void name_silent(flo_verdict *v, const court *c, int rank)
{
    char place[128];
    flo_watch_record_place(&c->sighting[rank].last, place, sizeof place);
    add(v, "no sign of life from ");
    add_name(v, c, rank);
    add(v, " for %.0f s, last seen in %s", silence(c, rank), place);
}

static void name_stuck(flo_verdict *v, const court *c, int rank)
{
    const flo_watch_record *const r = &c->sighting[rank].last;
    add_name(v, c, rank);
    add(v, " has been %s for %.0f s", flo_watch_phase_words(r->phase),
        stillness(c, rank));
    if (r->step > 0)
        add(v, " in step %lld", (long long)r->step);
}

static bool is_seen(const court *c, int rank)
{
    return c->sighting[rank].seen;
}

static void name_place(flo_verdict *v, const court *c, int rank)
{
    char place[128];
    flo_watch_record_place(&c->sighting[rank].last, place, sizeof place);
    add_name(v, c, rank);
    add(v, " in %s", place);
}

/* Whether a rank is the first of those on its host. */
static bool leads_host(const court *c, int rank)
{
    for (int other = 0; other < rank; other++)
        if (c->sighting[other].seen &&
            !strcmp(c->sighting[other].last.host, c->sighting[rank].last.host))
            return false;
    return c->sighting[rank].seen;
}

/* Names the hosts out of reach by their first rank; returns how many there are. */
static int name_unreached(flo_verdict *v, const court *c, flo_watch_reach *reach)
{
    const char *const here = c->sighting[c->me].last.host;
    int hosts = 0, unreached = 0;
    v->teller = c->me;
    for (int rank = 0; rank < c->size; rank++) {
        const flo_watch_record *const r = &c->sighting[rank].last;
        char reason[128];
        if (!leads_host(c, rank) || !strcmp(r->host, here))
            continue;
        hosts++;
        if (reach(r, reason, sizeof reason)) {
            v->teller = rank < v->teller ? rank : v->teller;
            continue;
        }
        if (unreached++ < MOST_NAMED) {
            add(v, "%s", unreached > 1 ? "; " : "");
            add_name(v, c, rank);
            add(v, " does not answer over the network (%s)", reason);
        }
    }
    if (unreached > MOST_NAMED)
        add(v, "; nor do %d more hosts", unreached - MOST_NAMED);
    if (unreached && unreached == hosts)
        add(v, "; %s reaches no other host and seems cut off itself", here);
    return unreached;
}

static int lowest_alive(const court *c)
{
    int rank = 0;
    while (rank < c->me && (!c->sighting[rank].seen || is_silent(c, rank)))
        rank++;
    return rank;
}

static void judge(const court *c, flo_watch_reach *reach, flo_verdict *v)
{
    v->teller = lowest_alive(c);
    if (name_ranks(v, c, is_silent, name_silent))
        return;
    if (name_ranks(v, c, is_stuck, name_stuck)) {
        add(v, ", and the others wait");
        return;
    }
    if (name_unreached(v, c, reach))
        return;
    v->teller = lowest_alive(c);
    add(v, "no rank has gone on for %.0f s, each waits for the others: ",
        stillness(c, c->me));
    if (name_ranks(v, c, is_seen, name_place) < c->size)
        add(v, "; nothing was heard of the others");
}

void flo_watch_judge(const flo_sighting *sighting, int size, int me, double now,
                     double timeout_seconds, flo_watch_reach *reach,
                     flo_verdict *verdict)
{
    const court c = {sighting, size, me, now, timeout_seconds};
    *verdict = (flo_verdict){.teller = me};
    judge(&c, reach, verdict);
}
