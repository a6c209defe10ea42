/* One holder of a run directory at a time: a lock of the kernel's, or a heartbeat in
   the lock's file where the file system has none. */
#ifndef FLO_RUN_LOCK_H
#define FLO_RUN_LOCK_H

#include "core/context.h"

#include <stdbool.h>

typedef struct flo_lock flo_lock;

/* How to lock; tests put other things in place. */
typedef struct flo_lock_rules {
    int (*kernel)(int file, int operation); /* flock(2) */
    double beat_seconds;                    /* from one heartbeat to the next */
    double silence_seconds;                 /* a holder that long without one is dead */
} flo_lock_rules;

flo_lock_rules flo_lock_usual(void);

/* Takes the lock whose file is `path`, made if need be, which then says who holds it:
   host, pid, Slurm job and its restart count. Refused when a living holder has it,
   naming that. Never in the way: a dead holder (the kernel drops its lock at once; its
   heartbeat is missed after silence_seconds), and what is left of an earlier start of
   the same Slurm job. A holder of the same start of the same job (an orphan of a killed
   launcher, say) is waited for, silence_seconds at most. Local. FLO_ERROR_USAGE (held),
   FLO_ERROR_FILE, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_lock_acquire(flo_context *context, const char *path,
                                         const flo_lock_rules *rules, flo_lock **lock);

/* Whether another process has taken the lock over meanwhile: this one was stopped for
   longer than silence_seconds, or its Slurm job was started again. Local. */
bool flo_lock_lost(const flo_lock *lock);

/* Gives it back: the file stays, empty. NULL is allowed. Local. */
void flo_lock_release(flo_lock **lock);

#endif
