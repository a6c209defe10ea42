/* The life of a watchdog: started, its board shared, stopped; where its rank is. */
#include "comm/watch.h"

#include "comm/watch_board.h"
#include "comm/watch_private.h"
#include "comm/watch_reach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void flo_watch_at(flo_comm *comm, flo_phase phase, int64_t step)
{
    atomic_store_explicit(&comm->place.phase, (int)phase, memory_order_relaxed);
    atomic_store_explicit(&comm->place.step, step, memory_order_relaxed);
    flo_worked(comm->context);
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
    const int error = pthread_create(&w->thread, NULL, flo_watch_work, w);
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
    flo_watch_note(&comm->place, own);
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

/* Local. */
static void end(flo_comm *comm)
{
    flo_watch *w = comm->watch;
    if (!w)
        return;
    comm->watch = NULL;
    close(w->stop[1]);
    pthread_join(w->thread, NULL);
    close(w->stop[0]);
    if (comm->rank == 0 && atomic_load(&w->shared))
        flo_watch_board_remove(w->path, w->own.job);
    free_watch(&w);
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
    const flo_status status =
        flo_comm_agree(comm, context, start(comm, context, task, job));
    if (status != FLO_OK)
        end(comm);
    return status;
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
    if (!comm->watch)
        return;
    /* Who has no thread any more would look dead to one that is still busy. */
    flo_comm_barrier(comm);
    end(comm);
}
