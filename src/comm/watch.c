/* The watching thread of a rank: it beats, looks at the others when its own rank stands
   still, and ends the job when nothing moves any more. */
#include "comm/comm_private.h"
#include "comm/watch_board.h"
#include "comm/watch_reach.h"
#include "comm/watch_verdict.h"
#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, TELLING_SECONDS = 2 };

struct flo_watch {
    flo_comm *comm;       /* borrowed */
    flo_context *context; /* borrowed: of the main thread, for memory alone */
    flo_watch_task task;
    double beat_seconds;
    pthread_t thread;
    int stop[2];           /* a pipe; closing its end [1] ends the thread */
    char path[PATH_BYTES]; /* of the board; set before `shared` is */
    atomic_bool shared;
    /* The thread's. */
    flo_watch_record own;
    double clock_seconds; /* the last look at the clock */
    double now;           /* seconds that this thread was awake */
    uint64_t work;        /* seen last */
    double moved;         /* when */
    bool told_failure;
    flo_sighting *sighting;   /* [size] */
    flo_watch_record *record; /* [size], as read */
    bool *held;               /* [size] */
};

void flo_watch_at(flo_comm *comm, flo_phase phase, int64_t step)
{
    atomic_store_explicit(&comm->place.phase, (int)phase, memory_order_relaxed);
    atomic_store_explicit(&comm->place.step, step, memory_order_relaxed);
    flo_worked(comm->context);
}

/* What stands on the terminal is one line, whole, whatever the other ranks write. */
static void say(const flo_watch *w, const char *message)
{
    char line[FLO_MESSAGE_BYTES + PATH_BYTES];
    snprintf(line, sizeof line, "flotilla: rank %d of %d on %s: %s\n", w->comm->rank,
             w->comm->size, w->comm->host, message);
    const ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
    (void)ignored;
}

static double still_seconds(const flo_watch *w)
{
    return w->now - w->moved;
}

static void note_place(const flo_watch_place *place, flo_watch_record *own)
{
    own->phase = atomic_load_explicit(&place->phase, memory_order_relaxed);
    own->wait = atomic_load_explicit(&place->wait, memory_order_relaxed);
    own->step = atomic_load_explicit(&place->step, memory_order_relaxed);
}

/* A board that is gone was removed by rank 0 at the end. */
static void beat(flo_watch *w)
{
    flo_watch_record *const own = &w->own;
    own->beats++;
    own->still_seconds = still_seconds(w);
    note_place(&w->comm->place, own);
    if (!atomic_load(&w->shared))
        return;
    const int error = flo_watch_board_write(w->path, own);
    if (!error || error == ENOENT || w->told_failure)
        return;
    char message[PATH_BYTES + 256];
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
             "%s; the job ends: go on with --resume from the last checkpoint "
             "(comm.timeout_seconds: %g sets this limit)",
             verdict, w->task.timeout_seconds);
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

static void *watch(void *argument)
{
    flo_watch *const w = argument;
    w->clock_seconds = flo_seconds();
    do
        take_turn(w);
    while (!stopped_within(w, w->beat_seconds));
    return NULL;
}

static flo_status take_memory(flo_watch *w, int size)
{
    FLO_TRY(flo_allocate(w->context, size, sizeof *w->sighting, &w->sighting));
    FLO_TRY(flo_allocate(w->context, size, sizeof *w->record, &w->record));
    return flo_allocate(w->context, size, sizeof *w->held, &w->held);
}

static flo_status fail_start(flo_watch *w, const char *call, int error)
{
    return flo_fail(
        w->context, FLO_ERROR_MEMORY,
        "the watchdog cannot be started: %s: %s; raise the limits of "
        "processes and files (ulimit -u, -n), or set comm.timeout_seconds: 0",
        call, strerror(error));
}

/* Signals are for the main thread. */
static flo_status start_thread(flo_watch *w)
{
    if (pipe2(w->stop, O_CLOEXEC) != 0)
        return fail_start(w, "pipe", errno);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const int error = pthread_create(&w->thread, NULL, watch, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        return FLO_OK;
    close(w->stop[0]);
    close(w->stop[1]);
    return fail_start(w, "pthread_create", error);
}

static void introduce(flo_watch_record *own, const flo_comm *comm, uint64_t job)
{
    *own = (flo_watch_record){.job = job, .rank = comm->rank, .pid = (int32_t)getpid()};
    snprintf(own->host, sizeof own->host, "%.*s", FLO_WATCH_HOST_BYTES - 1, comm->host);
    note_place(&comm->place, own);
    flo_watch_addresses(own);
}

static void free_watch(flo_watch **watch)
{
    flo_context *const context = (*watch)->context;
    flo_free(context, &(*watch)->sighting);
    flo_free(context, &(*watch)->record);
    flo_free(context, &(*watch)->held);
    flo_free(context, watch);
}

static flo_status start(flo_comm *comm, flo_context *context,
                        const flo_watch_task *task, uint64_t job)
{
    flo_watch *w;
    FLO_TRY(flo_allocate(context, 1, sizeof *w, &w));
    w->comm = comm;
    w->context = context;
    w->task = *task;
    const double beat = task->timeout_seconds / 20;
    w->beat_seconds = beat < 0.05 ? 0.05 : beat < 5 ? beat : 5;
    introduce(&w->own, comm, job);
    flo_status status = take_memory(w, comm->size);
    if (status == FLO_OK)
        status = start_thread(w);
    if (status == FLO_OK)
        comm->watch = w;
    else
        free_watch(&w);
    return status;
}

flo_status flo_watch_start(flo_comm *comm, flo_context *context,
                           const flo_watch_task *task)
{
    if (comm->size == 1 || !(task->timeout_seconds > 0))
        return FLO_OK;
    uint64_t job = 0;
    if (getrandom(&job, sizeof job, 0) != (ssize_t)sizeof job)
        job = (uint64_t)getpid(); /* leftovers are told apart all the same, mostly */
    flo_comm_broadcast(comm, &job, sizeof job);
    return flo_comm_agree(comm, context, start(comm, context, task, job));
}

bool flo_watch_share(flo_comm *comm, const char *path, char *reason, size_t size)
{
    flo_watch *const w = comm->watch;
    if (!w)
        return true;
    int error = strlen(path) < sizeof w->path ? 0 : ENAMETOOLONG;
    if (!error && comm->rank == 0)
        error = flo_watch_board_create(path, w->own.job);
    flo_comm_barrier(comm);
    flo_watch_record first;
    introduce(&first, comm, w->own.job);
    if (!error)
        error = flo_watch_board_write(path, &first);
    flo_status status = FLO_OK;
    if (error)
        status = flo_fail(w->context, FLO_ERROR_FILE, "rank %d on %s: %s: %s",
                          comm->rank, comm->host, path, strerror(error));
    status = flo_comm_agree(comm, w->context, status);
    snprintf(reason, size, "%s",
             status == FLO_OK ? "" : flo_context_message(w->context));
    if (status != FLO_OK) {
        if (comm->rank == 0)
            flo_watch_board_remove(path, w->own.job);
        return false;
    }
    snprintf(w->path, sizeof w->path, "%s", path);
    atomic_store(&w->shared, true);
    return true;
}

void flo_watch_stop(flo_comm *comm)
{
    flo_watch *w = comm->watch;
    if (!w)
        return;
    /* Who has no thread any more would look dead to one that is still busy. */
    flo_comm_barrier(comm);
    comm->watch = NULL;
    close(w->stop[1]);
    pthread_join(w->thread, NULL);
    close(w->stop[0]);
    if (comm->rank == 0 && atomic_load(&w->shared))
        flo_watch_board_remove(w->path, w->own.job);
    free_watch(&w);
}
