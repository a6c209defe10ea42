/* The watching thread of a rank: it beats, looks at the others when its own rank stands
   still, and ends the job when nothing moves any more. */
#include "comm/watch_board.h"
#include "comm/watch_private.h"
#include "comm/watch_reach.h"
#include "core/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TELLING_SECONDS = 2 };

void flo_watch_note(const flo_watch_place *place, flo_watch_record *own)
{
    own->phase = atomic_load_explicit(&place->phase, memory_order_relaxed);
    own->wait = atomic_load_explicit(&place->wait, memory_order_relaxed);
    own->step = atomic_load_explicit(&place->step, memory_order_relaxed);
}

/* A message about the board, and the rank and host before it, fit. */
enum { BOARD_BYTES = FLO_WATCH_PATH_BYTES + 256, LINE_BYTES = BOARD_BYTES + 512 };

/* What stands on the terminal is one line, whole, whatever the other ranks write. */
static void say(const flo_watch *w, const char *message)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "flotilla: rank %d of %d on %s: %s\n", w->comm->rank,
             w->comm->size, w->comm->host, message);
    const ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
    (void)ignored;
}

static double still_seconds(const flo_watch *w)
{
    return w->now - w->moved;
}

/* A board that is gone was removed by rank 0 at the end. */
static void beat(flo_watch *w)
{
    flo_watch_record *const own = &w->own;
    own->beats++;
    own->still_seconds = still_seconds(w);
    flo_watch_note(&w->comm->place, own);
    if (!atomic_load(&w->shared))
        return;
    const int error = flo_watch_board_write(w->path, own);
    if (!error || error == ENOENT || w->told_failure)
        return;
    char message[BOARD_BYTES];
    snprintf(message, sizeof message,
             "%s: cannot be written: %s; the run goes on, but the other ranks may take "
             "this one for dead when they wait for it longer than comm.timeout_seconds",
             w->path, error == ESTALE ? "it is another job's now" : strerror(error));
    say(w, message);
    w->told_failure = true;
}

/* Reads what the others wrote. */
static void look(flo_watch *w)
{
    const int size = w->comm->size, me = w->comm->rank;
    w->sighting[me].seen = false; /* its own record needs no file */
    flo_watch_sight(&w->sighting[me], &w->own, w->now);
    if (!atomic_load(&w->shared) ||
        flo_watch_board_read(w->path, w->own.job, size, w->record, w->held) != 0)
        return;
    for (int rank = 0; rank < size; rank++)
        if (rank != me && w->held[rank])
            flo_watch_sight(&w->sighting[rank], &w->record[rank], w->now);
}

/* Whether the pipe was closed within so many seconds. */
static bool stopped_within(const flo_watch *w, double seconds)
{
    struct pollfd stop = {.fd = w->stop[0], .events = POLLIN};
    return poll(&stop, 1, (int)(seconds * 1000)) > 0;
}

/* Leaves the message to another rank; false if it does not tell it soon: it may come to
   its own verdict some beats later. */
static bool is_told_by(flo_watch *w, int teller)
{
    const double begin = flo_seconds(), most = TELLING_SECONDS + 2 * w->beat_seconds;
    while (flo_seconds() - begin < most) {
        const bool read = !flo_watch_board_read(w->path, w->own.job, w->comm->size,
                                                w->record, w->held);
        if (read && w->held[teller] && w->record[teller].told)
            return true;
        stopped_within(w, w->beat_seconds);
    }
    return false;
}

static void tell(flo_watch *w, const char *verdict)
{
    char message[FLO_MESSAGE_BYTES];
    snprintf(message, sizeof message,
             "%s; the job ends: %s (comm.timeout_seconds: %g sets this limit)", verdict,
             w->task.advice, w->task.timeout_seconds);
    say(w, message);
    if (w->task.tell)
        w->task.tell(w->task.argument, w->own.step, message);
    w->own.told = 1;
    beat(w);
}

/* By the process's end, not by MPI: MPI_THREAD_FUNNELED leaves MPI to the main thread,
   which is inside it. The launcher ends the other ranks, stopped ones too. */
static void end_job(flo_watch *w)
{
    flo_verdict verdict;
    flo_watch_judge(w->sighting, w->comm->size, w->comm->rank, w->now,
                    w->task.timeout_seconds, flo_watch_reaches, &verdict);
    if (flo_work_done(w->comm->context) != w->work)
        return; /* it went on while hosts were asked */
    if (verdict.teller == w->comm->rank || !is_told_by(w, verdict.teller))
        tell(w, verdict.text);
    _exit(1);
}

static void take_turn(flo_watch *w)
{
    const double seconds = flo_seconds();
    const uint64_t work = flo_work_done(w->comm->context);
    w->now += flo_watch_passed(seconds - w->clock_seconds, w->beat_seconds);
    w->clock_seconds = seconds;
    if (work != w->work) {
        w->work = work;
        w->moved = w->now;
        memset(w->sighting, 0, (size_t)w->comm->size * sizeof *w->sighting);
    }
    beat(w);
    /* Not before: to look costs a read of the file a rank. Silence is half the timeout.
     */
    if (still_seconds(w) < w->task.timeout_seconds / 4)
        return;
    look(w);
    if (still_seconds(w) >= w->task.timeout_seconds &&
        flo_watch_is_over(w->sighting, w->comm->size, w->comm->rank, w->now,
                          w->task.timeout_seconds))
        end_job(w);
}

void *flo_watch_work(void *argument)
{
    flo_watch *const w = argument;
    w->clock_seconds = flo_seconds();
    do
        take_turn(w);
    while (!stopped_within(w, w->beat_seconds));
    return NULL;
}
