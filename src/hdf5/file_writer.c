/* Sealed files written in the background: one thread a write, one write at a time. */
#include "hdf5/sealed_file.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

struct flo_file_writer {
    flo_context *context; /* borrowed: owns the bytes, gets the messages */
    flo_context *own;     /* the thread's, so that messages do not race */
    pthread_t thread;
    bool running;  /* the thread is to be joined */
    bool reported; /* the last write's status was returned */
    char *path;
    void *bytes; /* owned */
    size_t size;
    flo_status status; /* of the last write */
};

flo_status flo_file_writer_create(flo_context *context, flo_file_writer **writer)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **writer, writer));
    (*writer)->context = context;
    (*writer)->reported = true;
    if (flo_context_create(&(*writer)->own) == FLO_OK)
        return FLO_OK;
    flo_free(context, writer);
    return flo_fail(context, FLO_ERROR_MEMORY, "out of memory: a file writer");
}

static void *write_file(void *argument)
{
    flo_file_writer *const w = argument;
    w->status = flo_sealed_write(w->own, w->path, w->bytes, w->size);
    flo_free(w->context, &w->bytes);
    return NULL;
}

/* Starts the thread with all signals blocked: they are for the main thread. Without a
   thread the file is written here and now. */
static void run(flo_file_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    w->running = pthread_create(&w->thread, NULL, write_file, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!w->running)
        write_file(w);
}

static void join(flo_file_writer *w)
{
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}

flo_status flo_file_writer_wait(flo_file_writer *w)
{
    join(w);
    w->reported = true;
    if (w->status == FLO_OK)
        return FLO_OK;
    return flo_fail(w->context, w->status, "%s", flo_context_message(w->own));
}

flo_status flo_file_writer_start(flo_file_writer *w, const char *path, void *bytes,
                                 size_t size)
{
    join(w);
    const flo_status before = w->reported ? FLO_OK : flo_file_writer_wait(w);
    flo_free(w->context, &w->path);
    const size_t length = strlen(path) + 1;
    const flo_status status = flo_allocate(w->context, (int64_t)length, 1, &w->path);
    if (status != FLO_OK) {
        flo_free(w->context, &bytes);
        return status;
    }
    memcpy(w->path, path, length);
    w->bytes = bytes;
    w->size = size;
    w->reported = false;
    run(w);
    return before;
}

void flo_file_writer_destroy(flo_file_writer **writer)
{
    if (!*writer)
        return;
    flo_file_writer *const w = *writer;
    flo_context *const context = w->context;
    join(w);
    flo_free(context, &w->path);
    flo_context_destroy(&w->own);
    flo_free(context, writer);
}
