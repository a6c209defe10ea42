/* A file on its way to its place. */
#include "hdf5/replacement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 26 /* that a slow disk takes within seconds */ };

static const char *advice(int error)
{
    static const struct {
        int error;
        const char *text;
    } rows[] = {
        {ENOSPC, "free some space, or put it on another file system"},
        {EDQUOT, "the quota is used up: free some space"},
        {EFBIG, "raise the limit on file sizes (ulimit -f)"},
        {ENOENT, "make the directory first"},
        {ENOTDIR, "a file stands where a directory is wanted: move it away"},
        {EISDIR, "a directory stands where the file is wanted: move it away"},
        {EACCES, "choose a directory that you may write to"},
        {EPERM, "choose a directory that you may write to"},
        {EROFS, "the file system is read-only: choose another directory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].error == error)
            return rows[i].text;
    return "check the file system and try again";
}

/* What a user may still write beside the file, in text [size]; "" where space is not
   what is wrong. */
static void tell_space(const flo_replacement *r, int error, char *text, size_t size)
{
    struct statvfs about;
    text[0] = '\0';
    if ((error == ENOSPC || error == EDQUOT) && statvfs(r->directory, &about) == 0)
        snprintf(text, size, ", %.1f MB free there",
                 1e-6 * (double)about.f_bavail * (double)about.f_frsize);
}

flo_status flo_replacement_fail(const flo_replacement *r, const char *call)
{
    const int error = errno;
    char space[64];
    tell_space(r, error, space, sizeof space);
    return flo_fail(r->context, FLO_ERROR_FILE,
                    "%s: cannot be written: %s: %s (%zu of %zu bytes written%s); %s",
                    r->path, call, strerror(error), r->done, r->size, space,
                    advice(error));
}

flo_status flo_replacement_begin(flo_context *context, const char *path, size_t size,
                                 flo_replacement *r)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    const size_t bytes = strlen(path) + sizeof host + 32;
    *r = (flo_replacement){.context = context, .file = -1, .size = size};
    FLO_TRY(flo_allocate(context, (int64_t)bytes, 1, &r->path));
    FLO_TRY(flo_allocate(context, (int64_t)bytes, 1, &r->temporary));
    FLO_TRY(flo_allocate(context, (int64_t)bytes, 1, &r->directory));
    snprintf(r->path, bytes, "%s", path);
    snprintf(r->temporary, bytes, "%s.tmp.%s.%ld", path, host, (long)getpid());
    const char *const slash = strrchr(path, '/');
    if (!slash)
        snprintf(r->directory, bytes, ".");
    else /* "/name" lies in "/" */
        snprintf(r->directory, bytes, "%.*s", (int)(slash - path) + 1, path);
    return FLO_OK;
}

flo_status flo_replacement_open(flo_replacement *r, int flags)
{
    r->file = open(r->temporary, flags | O_CLOEXEC, 0666);
    return r->file >= 0 ? FLO_OK : flo_replacement_fail(r, "open");
}

flo_status flo_replacement_write(flo_replacement *r, const void *bytes, size_t size,
                                 int64_t offset)
{
    const unsigned char *const from = bytes;
    for (size_t done = 0; done < size;) {
        const size_t left = size - done,
                     piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        const ssize_t written =
            pwrite(r->file, from + done, piece, offset + (int64_t)done);
        if (written > 0) {
            flo_worked(r->context);
            done += (size_t)written;
            r->done += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            errno = written == 0 ? ENOSPC : errno;
            return flo_replacement_fail(r, "write");
        }
    }
    return FLO_OK;
}

static flo_status close_durably(flo_replacement *r)
{
    if (fsync(r->file) != 0)
        return flo_replacement_fail(r, "fsync");
    const int file = r->file;
    r->file = -1;
    return close(file) == 0 ? FLO_OK : flo_replacement_fail(r, "close");
}

/* The rename is durable once the directory is flushed; some file systems cannot flush a
   directory and say so. */
flo_status flo_replacement_commit(flo_replacement *r)
{
    FLO_TRY(close_durably(r));
    const int folder = open(r->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return flo_replacement_fail(r, "open of its directory");
    flo_status status = FLO_OK;
    if (rename(r->temporary, r->path) != 0)
        status = flo_replacement_fail(r, "rename");
    else if (fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP)
        status = flo_replacement_fail(r, "fsync of its directory");
    close(folder);
    return status;
}

flo_status flo_replacement_commit_quickly(flo_replacement *r)
{
    const int file = r->file;
    r->file = -1;
    if (close(file) != 0)
        return flo_replacement_fail(r, "close");
    if (rename(r->temporary, r->path) != 0)
        return flo_replacement_fail(r, "rename");
    return FLO_OK;
}

/* After a commit the temporary name is gone, and unlink finds nothing. */
void flo_replacement_end(flo_replacement *r)
{
    if (r->file >= 0)
        close(r->file);
    if (r->temporary)
        unlink(r->temporary);
    flo_free(r->context, &r->path);
    flo_free(r->context, &r->temporary);
    flo_free(r->context, &r->directory);
}
