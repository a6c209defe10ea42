/* Who is to blame when all ranks stand still. */
#ifndef FLO_COMM_WATCH_VERDICT_H
#define FLO_COMM_WATCH_VERDICT_H

#include "comm/watch_record.h"

/* What a rank knows of another, by its own clock. */
typedef struct flo_sighting {
    bool seen;              /* since the looking began */
    double changed_seconds; /* when its beats were last seen to grow */
    flo_watch_record last;
} flo_sighting;

/* Seconds that have passed for a watcher that meant to sleep `beat`: no more than two
   beats. Were it stopped for an hour itself, as all ranks are when a job is suspended,
   an hour of silence would prove nothing. A clock that goes back counts 0. Pure. Local.
 */
double flo_watch_passed(double seconds, double beat_seconds);

/* Takes in a record that was read at `now`. Local. */
void flo_watch_sight(flo_sighting *sighting, const flo_watch_record *record,
                     double now);

/* Whether rank `me`, still for as long as its own sighting says, has waited long
   enough: for the timeout, without another rank whose work or whose beats go on. While
   nothing is known of a rank it may be working: then ten times the timeout. A rank that
   is stuck outside MPI and knows of no other ends after the timeout. Pure. Local. */
bool flo_watch_is_over(const flo_sighting *sighting, int size, int me, double now,
                       double timeout_seconds);

/* Says whether the host of a rank answers; if not, why, in reason [size]. */
typedef bool flo_watch_reach(const flo_watch_record *other, char *reason, size_t size);

typedef struct flo_verdict {
    char text[1024];
    int teller; /* the lowest rank that is alive and within reach: it tells the others
                 */
} flo_verdict;

/* The verdict of rank `me`: in this order, ranks without a sign of life; ranks that are
   stuck outside MPI while the others wait; ranks on hosts that do not answer (`reach`
   is asked once a host); or all wait for each other. Local. */
void flo_watch_judge(const flo_sighting *sighting, int size, int me, double now,
                     double timeout_seconds, flo_watch_reach *reach,
                     flo_verdict *verdict);

#endif
