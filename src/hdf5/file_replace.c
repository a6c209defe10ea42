/* A file put in place durably and at once: written beside its name, flushed, renamed.
 */
#include "hdf5/sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is open and made while a file is replaced. */
typedef struct replacement {
    flo_context *context;
    const char *path;  /* the file to replace */
    char *temporary;   /* PATH.tmp.HOST.PID */
    char *directory;   /* that holds both */
    int file, folder;  /* descriptors, -1 when closed */
    size_t done, size; /* bytes written, and to be written */
} replacement;

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

/* Reports `call` that failed with errno. */
static flo_status fail(const replacement *r, const char *call)
{
    const int error = errno;
    return flo_fail(r->context, FLO_ERROR_FILE,
                    "%s: cannot be written: %s: %s (%zu of %zu bytes written); %s",
                    r->path, call, strerror(error), r->done, r->size, advice(error));
}

static flo_status make_names(replacement *r)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    const size_t bytes = strlen(r->path) + sizeof host + 32;
    FLO_TRY(flo_allocate(r->context, (int64_t)bytes, 1, &r->temporary));
    FLO_TRY(flo_allocate(r->context, (int64_t)bytes, 1, &r->directory));
    snprintf(r->temporary, bytes, "%s.tmp.%s.%ld", r->path, host, (long)getpid());
    const char *const slash = strrchr(r->path, '/');
    if (!slash)
        snprintf(r->directory, bytes, ".");
    else /* "/name" lies in "/" */
        snprintf(r->directory, bytes, "%.*s", (int)(slash - r->path) + 1, r->path);
    return FLO_OK;
}

static flo_status write_all(replacement *r, const unsigned char *bytes)
{
    while (r->done < r->size) {
        const ssize_t written = write(r->file, bytes + r->done, r->size - r->done);
        if (written > 0)
            r->done += (size_t)written;
        else if (written == 0 || errno != EINTR) {
            errno = written == 0 ? ENOSPC : errno;
            return fail(r, "write");
        }
    }
    return FLO_OK;
}

/* The temporary file with all bytes on the disk, closed. */
static flo_status write_temporary(replacement *r, const void *bytes)
{
    r->file = open(r->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (r->file < 0)
        return fail(r, "open");
    FLO_TRY(write_all(r, bytes));
    if (fsync(r->file) != 0)
        return fail(r, "fsync");
    const int file = r->file;
    r->file = -1;
    return close(file) == 0 ? FLO_OK : fail(r, "close");
}

/* Puts it in place. The rename is durable once the directory is flushed; some file
   systems cannot flush a directory and say so. */
static flo_status rename_durably(replacement *r)
{
    r->folder = open(r->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->folder < 0)
        return fail(r, "open of its directory");
    if (rename(r->temporary, r->path) != 0)
        return fail(r, "rename");
    if (fsync(r->folder) != 0 && errno != EINVAL && errno != ENOTSUP)
        return fail(r, "fsync of its directory");
    return FLO_OK;
}

/* Closes and frees; after a failure nothing is left beside the file. */
static void clean_up(replacement *r, flo_status status)
{
    if (r->file >= 0)
        close(r->file);
    if (r->folder >= 0)
        close(r->folder);
    if (status != FLO_OK && r->temporary)
        unlink(r->temporary);
    flo_free(r->context, &r->temporary);
    flo_free(r->context, &r->directory);
}

flo_status flo_file_replace(flo_context *context, const char *path, const void *bytes,
                            size_t size)
{
    replacement r = {
        .context = context, .path = path, .file = -1, .folder = -1, .size = size};
    flo_status status = make_names(&r);
    if (status == FLO_OK)
        status = write_temporary(&r, bytes);
    if (status == FLO_OK)
        status = rename_durably(&r);
    clean_up(&r, status);
    return status;
}
