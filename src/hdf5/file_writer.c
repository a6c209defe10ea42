/* Sealed files written in the background: one thread for the files of a start, which
   writes one after the other. */
#include "hdf5/sealed_file.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

typedef struct sealed {
    char *path;        /* owned */
    const void *bytes; /* borrowed */
    size_t size;
} sealed;

struct flo_file_writer {
    flo_context *context; /* borrowed: gets the messages */
    flo_context *own;     /* the thread's, so that messages do not race */
    pthread_t thread;
    bool running; /* the thread is to be joined */
    sealed files[FLO_WRITER_FILES];
    int count;
    int written;       /* of them */
    flo_status status; /* of the first that was not */
};

flo_status flo_file_writer_create(flo_context *context, flo_file_writer **writer)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **writer, writer));
    (*writer)->context = context;
    if (flo_context_create(&(*writer)->own) == FLO_OK)
        return FLO_OK;
    flo_free(context, writer);
    return flo_fail(context, FLO_ERROR_MEMORY, "out of memory: a file writer");
}

static void clear(flo_file_writer *w)
{
    for (int i = 0; i < w->count; i++)
        flo_free(w->context, &w->files[i].path);
    w->count = w->written = 0;
    w->status = FLO_OK;
}

flo_status flo_file_writer_add(flo_file_writer *w, const char *path, const void *bytes,
                               size_t size)
{
    assert(!w->running && w->count < FLO_WRITER_FILES);
    sealed *const file = &w->files[w->count];
    const size_t length = strlen(path) + 1;
    const flo_status status = flo_allocate(w->context, (int64_t)length, 1, &file->path);
    if (status != FLO_OK) {
        clear(w);
        return status;
    }
    memcpy(file->path, path, length);
    file->bytes = bytes;
    file->size = size;
    w->count++;
    return FLO_OK;
}

static void *write_files(void *argument)
{
    flo_file_writer *const w = argument;
    while (w->written < w->count) {
        const sealed *const file = &w->files[w->written];
        w->status = flo_sealed_write(w->own, file->path, file->bytes, file->size);
        if (w->status != FLO_OK)
            break;
        w->written++;
    }
    return NULL;
}

/* The thread has all signals blocked: they are for the main thread. Without a thread
   the files are written here and now. */
void flo_file_writer_start(flo_file_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    w->running = pthread_create(&w->thread, NULL, write_files, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!w->running)
        write_files(w);
}

static void join(flo_file_writer *w)
{
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}

flo_status flo_file_writer_wait(flo_file_writer *w, int *written)
{
    join(w);
    const flo_status status = w->status;
    *written = w->written;
    clear(w);
    return status == FLO_OK
               ? FLO_OK
               : flo_fail(w->context, status, "%s", flo_context_message(w->own));
}

void flo_file_writer_destroy(flo_file_writer **writer)
{
    if (!*writer)
        return;
    flo_file_writer *const w = *writer;
    flo_context *const context = w->context;
    join(w);
    clear(w);
    flo_context_destroy(&w->own);
    flo_free(context, writer);
}
