/* The board. Record 0 names the job, record r + 1 is rank r's. */
#include "comm/watch_board.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { OWNER = -1 /* the rank in the record that names the job */ };

static off_t place_of(int rank)
{
    return (off_t)(rank + 1) * FLO_WATCH_RECORD_BYTES;
}

/* 0, or what went wrong. */
static int put(int file, const flo_watch_record *record)
{
    const ssize_t put = pwrite(file, record, sizeof *record, place_of(record->rank));
    return put == (ssize_t)sizeof *record ? 0 : put < 0 ? errno : ENOSPC;
}

/* Errors of writing may come as late as here. */
static int close_after(int file, int error)
{
    return close(file) != 0 && !error ? errno : error;
}

static bool is_ours(int file, uint64_t job)
{
    flo_watch_record owner;
    return pread(file, &owner, sizeof owner, place_of(OWNER)) ==
               (ssize_t)sizeof owner &&
           flo_watch_record_holds(&owner, job, OWNER);
}

int flo_watch_board_create(const char *path, uint64_t job)
{
    flo_watch_record owner = {.job = job, .rank = OWNER};
    flo_watch_record_seal(&owner);
    if (unlink(path) != 0 && errno != ENOENT)
        return errno;
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file < 0 ? errno : close_after(file, put(file, &owner));
}

int flo_watch_board_write(const char *path, flo_watch_record *record)
{
    flo_watch_record_seal(record);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return errno;
    return close_after(file, is_ours(file, record->job) ? put(file, record) : ESTALE);
}

int flo_watch_board_read(const char *path, uint64_t job, int size,
                         flo_watch_record *record, bool *held)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    if (!is_ours(file, job))
        return close_after(file, ESTALE);
    const ssize_t got = pread(file, record, (size_t)size * sizeof *record, place_of(0));
    const int error = got < 0 ? errno : 0;
    for (int rank = 0; rank < size && !error; rank++)
        held[rank] = (rank + 1) * (ssize_t)sizeof *record <= got &&
                     flo_watch_record_holds(&record[rank], job, rank);
    return close_after(file, error);
}

void flo_watch_board_remove(const char *path, uint64_t job)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (is_ours(file, job))
        unlink(path);
    close(file);
}
