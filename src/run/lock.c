/* A lock on a run directory: taken from the kernel, or from a holder gone silent. */
#include "run/lock.h"

#include "run/lock_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct flo_lock {
    flo_context *context; /* borrowed */
    flo_lock_rules rules;
    char *path;
    int file;
    bool beats; /* the kernel has no lock here: a heartbeat instead */
    pthread_t thread;
    int stop[2];      /* a pipe; closing its end [1] stops the heartbeat */
    atomic_bool lost; /* seen by the heartbeat: the file names another holder */
};

flo_lock_rules flo_lock_usual(void)
{
    return (flo_lock_rules){.kernel = flock, .beat_seconds = 5, .silence_seconds = 20};
}

static void sleep_seconds(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static flo_status fail_call(const flo_lock *lock, const char *call)
{
    return flo_fail(
        lock->context, FLO_ERROR_FILE,
        "%s: cannot lock the run: %s: %s; free some space if there is none, "
        "else choose a run directory that you may write to",
        lock->path, call, strerror(errno));
}

static flo_status fail_held(const flo_lock *lock, const flo_holder *holder)
{
    const bool slurm = holder && strcmp(holder->job, "-") != 0;
    return flo_fail(lock->context, FLO_ERROR_USAGE,
                    "%s: another process is writing this run: pid %ld on host %s%s%s; "
                    "stop it or wait for it, or choose another run directory",
                    lock->path, holder ? holder->pid : 0L,
                    holder ? holder->host : "unknown", slurm ? ", Slurm job " : "",
                    slurm ? holder->job : "");
}

/* The file may have been moved or removed between open and lock; then the lock is one
   on nothing. */
static bool still_there(const flo_lock *lock)
{
    struct stat ours, named;
    return fstat(lock->file, &ours) == 0 && stat(lock->path, &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

static flo_status open_file(flo_lock *lock)
{
    if (lock->file >= 0)
        close(lock->file);
    lock->file = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return lock->file >= 0 ? FLO_OK : fail_call(lock, "open");
}

static flo_status sign(const flo_lock *lock)
{
    const flo_holder self = flo_holder_self();
    return flo_holder_write(lock->file, &self) == 0 ? FLO_OK : fail_call(lock, "write");
}

/* One beat every beat_seconds, until the pipe closes or another holder has signed. */
static void *beat(void *argument)
{
    flo_lock *const lock = argument;
    struct pollfd stop = {.fd = lock->stop[0], .events = POLLIN};
    while (poll(&stop, 1, (int)(lock->rules.beat_seconds * 1000)) <= 0) {
        const flo_holder self = flo_holder_self();
        flo_holder found;
        if (flo_holder_read(lock->path, &found) && !flo_holder_same(&found, &self)) {
            atomic_store(&lock->lost, true);
            return NULL;
        }
        /* A beat that fails (a full disk) is made up for by the next one. */
        (void)flo_holder_write(lock->file, &self);
    }
    return NULL;
}

/* Starts the heartbeat, with all signals left to the main thread. */
static flo_status start_beating(flo_lock *lock)
{
    if (pipe2(lock->stop, O_CLOEXEC) != 0)
        return fail_call(lock, "pipe");
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    errno = pthread_create(&lock->thread, NULL, beat, lock);
    lock->beats = errno == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (lock->beats)
        return FLO_OK;
    close(lock->stop[0]);
    close(lock->stop[1]);
    return fail_call(lock, "pthread_create");
}

/* Watches the file until its holder proves alive (true) or has been silent for long.
   Only changes count, so that the clocks of two hosts need not agree. */
static bool holder_lives(const flo_lock *lock, flo_holder *holder)
{
    const flo_lock_rules *const rules = &lock->rules;
    const flo_holder self = flo_holder_self();
    if (!flo_holder_read(lock->path, holder))
        return false;
    if (flo_holder_same_job(holder, &self) && !flo_holder_same_start(holder, &self))
        return false;
    const double pause = rules->beat_seconds / 4;
    for (double watched = 0; watched < rules->silence_seconds; watched += pause) {
        flo_holder now;
        sleep_seconds(pause);
        if (!flo_holder_read(lock->path, &now))
            return false;
        if (now.beat != holder->beat || !flo_holder_same(&now, holder)) {
            *holder = now;
            return true;
        }
    }
    return false;
}

/* Takes a lock by heartbeat. Of two that start at a time the last to sign has it: each
   looks again after a while that is longer than from the last look to the signing. */
static flo_status take_by_heartbeat(flo_lock *lock)
{
    flo_holder holder;
    if (holder_lives(lock, &holder))
        return fail_held(lock, &holder);
    FLO_TRY(sign(lock));
    sleep_seconds(lock->rules.beat_seconds / 2);
    const flo_holder self = flo_holder_self();
    if (flo_holder_read(lock->path, &holder) && !flo_holder_same(&holder, &self))
        return fail_held(lock, &holder);
    return start_beating(lock);
}

/* What to do about a kernel lock that another process holds: FLO_OK to try again. An
   earlier start of our own Slurm job cannot be alive, so its lock (a lost node's, kept
   by a file server) is left behind with its file. */
static flo_status meet_holder(const flo_lock *lock, double waited)
{
    const flo_holder self = flo_holder_self();
    flo_holder holder;
    if (!flo_holder_read(lock->path, &holder))
        return waited < 1 ? FLO_OK : fail_held(lock, NULL); /* it has yet to sign */
    if (!flo_holder_same_job(&holder, &self))
        return fail_held(lock, &holder);
    if (!flo_holder_same_start(&holder, &self))
        return unlink(lock->path) == 0 || errno == ENOENT ? FLO_OK
                                                          : fail_call(lock, "unlink");
    return waited < lock->rules.silence_seconds ? FLO_OK : fail_held(lock, &holder);
}

static bool kernel_has_no_locks(int error)
{
    return error == ENOLCK || error == ENOSYS || error == ENOTSUP;
}

static flo_status take(flo_lock *lock)
{
    const double pause = 0.05;
    for (double waited = 0;; waited += pause) {
        FLO_TRY(open_file(lock));
        if (lock->rules.kernel(lock->file, LOCK_EX | LOCK_NB) == 0) {
            if (still_there(lock))
                return sign(lock);
        } else if (kernel_has_no_locks(errno)) {
            return take_by_heartbeat(lock);
        } else if (errno == EWOULDBLOCK) {
            FLO_TRY(meet_holder(lock, waited));
        } else if (errno != EINTR) {
            return fail_call(lock, "flock");
        }
        sleep_seconds(pause);
    }
}

static void free_lock(flo_lock **lock)
{
    flo_context *const context = (*lock)->context;
    if ((*lock)->file >= 0)
        close((*lock)->file);
    flo_free(context, &(*lock)->path);
    flo_free(context, lock);
}

flo_status flo_lock_acquire(flo_context *context, const char *path,
                            const flo_lock_rules *rules, flo_lock **lock)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **lock, lock));
    (*lock)->context = context;
    (*lock)->rules = *rules;
    (*lock)->file = -1;
    const size_t bytes = strlen(path) + 1;
    flo_status status = flo_allocate(context, (int64_t)bytes, 1, &(*lock)->path);
    if (status == FLO_OK) {
        memcpy((*lock)->path, path, bytes);
        status = take(*lock);
    }
    if (status != FLO_OK)
        free_lock(lock);
    return status;
}

bool flo_lock_lost(const flo_lock *lock)
{
    struct stat named; /* a lock's file that somebody removed is not lost yet */
    if (lock->beats)
        return atomic_load(&lock->lost);
    return stat(lock->path, &named) == 0 && !still_there(lock);
}

void flo_lock_release(flo_lock **lock)
{
    if (!*lock)
        return;
    flo_lock *const l = *lock;
    if (l->beats) {
        close(l->stop[1]);
        pthread_join(l->thread, NULL);
        close(l->stop[0]);
    }
    /* Emptied only while it is ours; if that fails, the next to come waits a little. */
    if (!flo_lock_lost(l)) {
        const int emptied = ftruncate(l->file, 0);
        (void)emptied;
    }
    free_lock(lock);
}
