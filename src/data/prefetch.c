/* The prefetch thread: it takes the most urgent request, reads it piece by piece, and
   hands it over. The lock is held for a look at the requests, never while it reads. */
#include "data/prefetch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 20 /* read between two looks at whether to stop */ };

/* IDLE: nothing asked for, or handed over. */
typedef enum state { IDLE, WANTED, READING, READY, FAILED } state;

typedef struct request {
    flo_window *window; /* borrowed */
    int64_t k, step;
    state state;
    flo_status status; /* when FAILED */
} request;

struct flo_prefetch {
    flo_context *context; /* borrowed */
    flo_context *own;     /* the thread's, so that messages do not race */
    flo_rows *rows;       /* the thread's */
    int64_t piece_rows;
    pthread_t thread;
    bool running; /* the thread is to be joined */
    pthread_mutex_t lock;
    pthread_cond_t asked, done;
    atomic_bool interrupted; /* what is being read is not wanted any more */
    /* Under the lock. */
    bool stop;
    int64_t lanes;
    request *request;                /* [lanes] */
    int64_t awaited;                 /* lane that the caller waits for; -1: none */
    char message[FLO_MESSAGE_BYTES]; /* of a failure that is awaited */
};

/* The awaited request, then the first of the earliest step; NULL: none. */
static request *most_urgent(const flo_prefetch *p)
{
    request *found = NULL;
    for (int64_t i = 0; i < p->lanes; ++i) {
        request *const r = &p->request[i];
        if (r->state != WANTED)
            continue;
        if (i == p->awaited)
            return r;
        if (!found || r->step < found->step)
            found = r;
    }
    return found;
}

/* Reads the rows of the window, piece by piece; stops early when interrupted. */
static flo_status fill(flo_prefetch *p, flo_window *window, int64_t k)
{
    const int64_t D = flo_rows_features(p->rows),
                  C = flo_rows_context_features(p->rows);
    int64_t count;
    bool changed;
    flo_lane_order_seek(window->order, k, &changed);
    const flo_piece *const pieces = flo_lane_order_pieces(window->order, &count);
    window->held.rows = window->bad_rows = 0;
    for (int64_t i = 0; i < count; ++i)
        for (int64_t begin = 0, rows; begin < pieces[i].count; begin += rows) {
            if (atomic_load(&p->interrupted))
                return FLO_OK;
            const int64_t left = pieces[i].count - begin, slot = window->held.rows;
            rows = left < p->piece_rows ? left : p->piece_rows;
            flo_batch part = {0, window->held.x + slot * D,
                              C ? window->held.context + slot * C : NULL,
                              window->held.weight + slot};
            FLO_TRY(flo_rows_read(p->rows, pieces[i].first + begin, rows, &part,
                                  &window->bad_rows));
            window->held.rows += rows;
        }
    return FLO_OK;
}

/* Reads one request. The lock is held before and after. */
static void serve(flo_prefetch *p, request *r)
{
    r->state = READING;
    flo_window *const window = r->window;
    const int64_t k = r->k;
    pthread_mutex_unlock(&p->lock);
    const flo_status status = fill(p, window, k);
    pthread_mutex_lock(&p->lock);
    r->status = status;
    r->state = status == FLO_OK ? READY : FAILED;
    if (atomic_exchange(&p->interrupted, false))
        r->state = IDLE;
    else if (status != FLO_OK && r - p->request == p->awaited)
        snprintf(p->message, sizeof p->message, "%s", flo_context_message(p->own));
    pthread_cond_signal(&p->done);
}

static void *work(void *argument)
{
    flo_prefetch *const p = argument;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        request *const r = most_urgent(p);
        if (r)
            serve(p, r);
        else
            pthread_cond_wait(&p->asked, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Signals are for the main thread. */
static flo_status start(flo_prefetch *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const int error = pthread_create(&p->thread, NULL, work, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    p->running = error == 0;
    return p->running ? FLO_OK
                      : flo_fail(p->context, FLO_ERROR_MEMORY,
                                 "a thread to read data ahead cannot be started: %s; "
                                 "raise the limit of processes (ulimit -u), or use a "
                                 "data.memory that all rows fit in",
                                 strerror(error));
}

static flo_status open_rows(flo_prefetch *p, const flo_data_settings *settings,
                            uint64_t seed)
{
    if (flo_context_create(&p->own) != FLO_OK)
        return flo_fail(p->context, FLO_ERROR_MEMORY, "out of memory: reading ahead");
    flo_context_work_for(p->own, p->context);
    const flo_status status =
        flo_rows_open(p->own, settings, seed, FLO_TRAIN, &p->rows);
    if (status != FLO_OK)
        return flo_fail(p->context, status, "%s", flo_context_message(p->own));
    const int64_t reals =
        flo_rows_features(p->rows) + flo_rows_context_features(p->rows) + 1;
    p->piece_rows = PIECE_BYTES / (reals * (int64_t)sizeof(flo_real));
    p->piece_rows += p->piece_rows == 0;
    return FLO_OK;
}

flo_status flo_prefetch_create(flo_context *context, const flo_data_settings *settings,
                               uint64_t seed, int64_t lanes, flo_prefetch **prefetch)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **prefetch, prefetch));
    flo_prefetch *const p = *prefetch;
    p->context = context;
    p->lanes = lanes;
    p->awaited = -1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->asked, NULL);
    pthread_cond_init(&p->done, NULL);
    flo_status status = flo_allocate(context, lanes, sizeof *p->request, &p->request);
    if (status == FLO_OK)
        status = open_rows(p, settings, seed);
    if (status == FLO_OK)
        status = start(p);
    if (status != FLO_OK)
        flo_prefetch_destroy(prefetch);
    return status;
}

flo_status flo_prefetch_shift(flo_prefetch *p, const double *origin,
                              const double *factor)
{
    const flo_status status = flo_rows_shift(p->rows, origin, factor);
    return status == FLO_OK
               ? FLO_OK
               : flo_fail(p->context, status, "%s", flo_context_message(p->own));
}

static void stop(flo_prefetch *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    atomic_store(&p->interrupted, true);
    pthread_cond_signal(&p->asked);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
}

void flo_prefetch_destroy(flo_prefetch **prefetch)
{
    flo_prefetch *const p = *prefetch;
    if (!p)
        return;
    if (p->running)
        stop(p);
    flo_rows_close(&p->rows);
    flo_context_destroy(&p->own);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->asked);
    pthread_mutex_destroy(&p->lock);
    flo_free(p->context, &p->request);
    flo_free(p->context, prefetch);
}

void flo_prefetch_want(flo_prefetch *p, int64_t lane, flo_window *window, int64_t k,
                       int64_t step)
{
    request *const r = &p->request[lane];
    pthread_mutex_lock(&p->lock);
    if (r->state == IDLE || r->k != k) {
        while (r->state == READING) {
            atomic_store(&p->interrupted, true);
            pthread_cond_wait(&p->done, &p->lock);
        }
        *r = (request){window, k, step, WANTED, FLO_OK};
        pthread_cond_signal(&p->asked);
    }
    pthread_mutex_unlock(&p->lock);
}

flo_status flo_prefetch_wait(flo_prefetch *p, int64_t lane)
{
    request *const r = &p->request[lane];
    pthread_mutex_lock(&p->lock);
    p->awaited = lane;
    if (r->state == FAILED) {
        r->state = WANTED;
        pthread_cond_signal(&p->asked);
    }
    while (r->state == WANTED || r->state == READING)
        pthread_cond_wait(&p->done, &p->lock);
    p->awaited = -1;
    const flo_status status =
        r->state == FAILED ? flo_fail(p->context, r->status, "%s", p->message) : FLO_OK;
    if (status == FLO_OK)
        r->state = IDLE;
    pthread_mutex_unlock(&p->lock);
    return status;
}
