/* The files of a run that grow by lines: metrics.jsonl and log.txt. */
#include "run/directory_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static flo_status fail_call(flo_context *context, const char *path, const char *call)
{
    return flo_fail(context, FLO_ERROR_FILE,
                    "%s: %s: %s; check the space and the rights of the run directory",
                    path, call, strerror(errno));
}

/* Writes line and newline by one call, so that a kill leaves both or neither; what a
   full disk left of them is cut off again. */
static flo_status append_open(flo_context *context, const char *path, int file,
                              const char *line)
{
    struct stat before;
    if (fstat(file, &before) != 0)
        return fail_call(context, path, "fstat");
    const size_t length = strlen(line);
    const struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)line, .iov_len = length},
        {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1},
    };
    ssize_t written;
    do
        written = writev(file, parts, 2);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)length + 1)
        return FLO_OK;
    errno = written < 0 ? errno : ENOSPC;
    const flo_status status = fail_call(context, path, "write");
    if (written > 0 && ftruncate(file, before.st_size) != 0)
        return fail_call(context, path, "ftruncate");
    return status;
}

flo_status flo_directory_append(flo_context *context, const char *path,
                                const char *line)
{
    const int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return fail_call(context, path, "open");
    const flo_status status = append_open(context, path, file, line);
    if (close(file) != 0 && status == FLO_OK)
        return fail_call(context, path, "close");
    return status;
}

flo_status flo_directory_metrics_kept(flo_directory *directory)
{
    if (!directory->metrics)
        return FLO_OK;
    FLO_TRY(flo_directory_append(directory->context,
                                 flo_directory_own(directory, "metrics.jsonl"),
                                 directory->metrics));
    flo_free(directory->context, &directory->metrics);
    return FLO_OK;
}

flo_status flo_directory_metrics(flo_directory *directory, const char *line)
{
    const char *const kept = directory->metrics;
    const size_t bytes = (kept ? strlen(kept) : 0) + strlen(line) + 2;
    char *lines;
    FLO_TRY(flo_allocate(directory->context, (int64_t)bytes, 1, &lines));
    snprintf(lines, bytes, "%s%s%s", kept ? kept : "", kept ? "\n" : "", line);
    flo_free(directory->context, &directory->metrics);
    directory->metrics = lines;
    return flo_directory_metrics_kept(directory);
}

flo_status flo_directory_log(flo_directory *directory, const char *line)
{
    return flo_directory_append(directory->context,
                                flo_directory_own(directory, "log.txt"), line);
}

/* Whether a line is whole and its "step" at most `step`. */
static bool line_counts(const char *line, ssize_t length, int64_t step)
{
    static const char key[] = "\"step\":";
    const char *const found = strstr(line, key);
    if (!found || line[length - 1] != '\n')
        return false;
    char *end;
    const long long value = strtoll(found + sizeof key - 1, &end, 10);
    return end != found + sizeof key - 1 && value <= step;
}

/* The offset behind the last line that counts; -1 after a read error. */
static int64_t end_of_lines(FILE *file, int64_t step)
{
    int64_t offset = 0, end = 0;
    char *line = NULL;
    size_t room = 0;
    for (ssize_t length; (length = getline(&line, &room, file)) > 0;) {
        offset += length;
        if (line_counts(line, length, step))
            end = offset;
    }
    free(line);
    return ferror(file) ? -1 : end;
}

flo_status flo_directory_cut_metrics(flo_directory *directory, int64_t step)
{
    flo_context *const context = directory->context;
    const char *const path = flo_directory_own(directory, "metrics.jsonl");
    FILE *const file = fopen(path, "r+e");
    if (!file)
        return errno == ENOENT ? FLO_OK : fail_call(context, path, "open");
    flo_status status = FLO_OK;
    const int64_t end = end_of_lines(file, step);
    if (end < 0)
        status = fail_call(context, path, "read");
    else if (ftruncate(fileno(file), (off_t)end) != 0)
        status = fail_call(context, path, "ftruncate");
    else if (fsync(fileno(file)) != 0)
        status = fail_call(context, path, "fsync");
    fclose(file);
    return status;
}
