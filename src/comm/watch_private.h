/* What a watchdog holds, for its two halves: its life (watch.c), its thread
   (watch_thread.c). */
#ifndef FLO_COMM_WATCH_PRIVATE_H
#define FLO_COMM_WATCH_PRIVATE_H

#include "comm/comm_private.h"
#include "comm/watch_verdict.h"

#include <pthread.h>

enum { FLO_WATCH_PATH_BYTES = 4096 };

struct flo_watch {
    flo_comm *comm;       /* borrowed */
    flo_context *context; /* borrowed: of the main thread, for memory alone */
    flo_watch_task task;
    double beat_seconds;
    pthread_t thread;
    int stop[2];                     /* a pipe; closing its end [1] ends the thread */
    char path[FLO_WATCH_PATH_BYTES]; /* of the board; set before `shared` is */
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

/* What the thread does: argument is the flo_watch. */
void *flo_watch_work(void *watch);

/* Writes where the main thread is into a record. Local. */
void flo_watch_note(const flo_watch_place *place, flo_watch_record *record);

#endif
