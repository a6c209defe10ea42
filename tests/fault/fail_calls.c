/* Preloaded into a program: one chosen system call on files below a path fails, comes
   short, or is the last thing that the process does.

     FAIL_BELOW   paths that start with this count ...
     FAIL_EXCEPT  ... but those that start with this
     FAIL_CALLS   the calls that count: "write,fsync" (all)
     FAIL_NUMBER  which of them, from 1; 0: none
     FAIL_TIMES   how many from there on (1)
     FAIL_HOW     an errno; or `short` (half of the bytes, then ENOSPC), `kill` (before
                  the call), `half` (half of the bytes are written, then killed)
     FAIL_LIST    a file that gets a line "CALL PATH" a call

   A call is open (also fopen), write (also pwrite, writev), fsync, rename, ftruncate,
   unlink, mkdir, close. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static int calls;                     /* that counted so far */
static _Thread_local bool came_short; /* the rest of this thread's short write fails */

/* The function of that name behind ours. */
static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static bool starts(const char *path, const char *variable)
{
    const char *const start = getenv(variable);
    return start && strncmp(path, start, strlen(start)) == 0;
}

static int number_of(const char *variable, int otherwise)
{
    const char *const text = getenv(variable);
    return text ? atoi(text) : otherwise;
}

static void list(const char *call, const char *path)
{
    ssize_t (*const real_write)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))next("write");
    int (*const real_open)(const char *, int, ...) =
        (int (*)(const char *, int, ...))next("open");
    int (*const real_close)(int) = (int (*)(int))next("close");
    const char *const name = getenv("FAIL_LIST");
    char line[PATH_MAX + 32];
    if (!name)
        return;
    const int file = real_open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    const int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    if (file < 0 || real_write(file, line, (size_t)length) != length)
        abort();
    real_close(file);
}

/* What happens to this call: NULL, or FAIL_HOW. */
static const char *fault(const char *call, const char *path)
{
    const int error = errno;
    const char *const counted = getenv("FAIL_CALLS");
    if (!starts(path, "FAIL_BELOW") || starts(path, "FAIL_EXCEPT") ||
        (counted && !strstr(counted, call)))
        return NULL;
    pthread_mutex_lock(&counting); /* the list's order is that of the numbers */
    list(call, path);
    const int number = ++calls;
    pthread_mutex_unlock(&counting);
    const int first = number_of("FAIL_NUMBER", 0);
    const bool chosen =
        first && number >= first && number < first + number_of("FAIL_TIMES", 1);
    const char *const how = chosen ? getenv("FAIL_HOW") : NULL;
    if (how && strcmp(how, "kill") == 0)
        kill(getpid(), SIGKILL);
    errno = error;
    return how;
}

static const char *fault_of_file(const char *call, int file)
{
    char name[64], path[PATH_MAX] = "";
    const int error = errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(name, path, sizeof path - 1);
    errno = error;
    return length > 0 ? fault(call, path) : NULL;
}

/* Relative paths count by where they lead. */
static const char *fault_of_path(const char *call, const char *path)
{
    char whole[2 * PATH_MAX], working[PATH_MAX];
    if (path[0] == '/' || !getcwd(working, sizeof working))
        return fault(call, path);
    snprintf(whole, sizeof whole, "%s/%s", working, path);
    return fault(call, whole);
}

static int fail(const char *how)
{
    errno = atoi(how);
    return -1;
}

/* How many of `size` bytes are written. -1: the call fails. */
static ssize_t allowed(const char *how, size_t size)
{
    if (came_short) {
        came_short = false;
        errno = ENOSPC;
        return -1;
    }
    if (!how)
        return (ssize_t)size;
    if (strcmp(how, "half") == 0)
        return (ssize_t)(size / 2);
    if (strcmp(how, "short") != 0)
        return fail(how);
    came_short = true;
    return (ssize_t)(size / 2);
}

/* After a write of which only a half was to be. */
static void killed(const char *how)
{
    if (how && strcmp(how, "half") == 0)
        kill(getpid(), SIGKILL);
}

ssize_t write(int file, const void *bytes, size_t size)
{
    ssize_t (*const real)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))next("write");
    const char *const how = fault_of_file("write", file);
    const ssize_t count = how || came_short ? allowed(how, size) : (ssize_t)size;
    const ssize_t written = count < 0 ? -1 : real(file, bytes, (size_t)count);
    killed(how);
    return written;
}

static ssize_t write_at(const char *name, int file, const void *bytes, size_t size,
                        off_t offset)
{
    ssize_t (*const real)(int, const void *, size_t, off_t) =
        (ssize_t(*)(int, const void *, size_t, off_t))next(name);
    const char *const how = fault_of_file("write", file);
    const ssize_t count = how || came_short ? allowed(how, size) : (ssize_t)size;
    const ssize_t written = count < 0 ? -1 : real(file, bytes, (size_t)count, offset);
    killed(how);
    return written;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
    return write_at("pwrite", file, bytes, size, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset)
{
    return write_at("pwrite64", file, bytes, size, offset);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    ssize_t (*const real)(int, const struct iovec *, int) =
        (ssize_t(*)(int, const struct iovec *, int))next("writev");
    const char *const how = fault_of_file("write", file);
    if (!how)
        return real(file, parts, count);
    struct iovec half = parts[0];
    const ssize_t length = allowed(how, half.iov_len);
    came_short = false; /* nobody writes the rest of a line */
    half.iov_len = length < 0 ? 0 : (size_t)length;
    const ssize_t written = length < 0 ? -1 : real(file, &half, 1);
    killed(how);
    return written;
}

static int call_on_file(const char *name, int file)
{
    int (*const real)(int) = (int (*)(int))next(name);
    const char *const how = fault_of_file(name, file);
    return how ? fail(how) : real(file);
}

int fsync(int file)
{
    return call_on_file("fsync", file);
}

int fdatasync(int file)
{
    return call_on_file("fdatasync", file);
}

/* The descriptor is gone even if close fails. */
int close(int file)
{
    int (*const real)(int) = (int (*)(int))next("close");
    const char *const how = fault_of_file("close", file);
    const int closed = real(file);
    return how ? fail(how) : closed;
}

int ftruncate(int file, off_t size)
{
    int (*const real)(int, off_t) = (int (*)(int, off_t))next("ftruncate");
    const char *const how = fault_of_file("ftruncate", file);
    return how ? fail(how) : real(file, size);
}

int ftruncate64(int file, off64_t size)
{
    return ftruncate(file, size);
}

static int open_as(const char *name, const char *path, int flags, mode_t mode)
{
    int (*const real)(const char *, int, ...) =
        (int (*)(const char *, int, ...))next(name);
    const char *const how = fault_of_path("open", path);
    return how ? fail(how) : real(path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_as("open64", path, flags, mode);
}

static FILE *fopen_as(const char *name, const char *path, const char *mode)
{
    FILE *(*const real)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) next(name);
    const char *const how = fault_of_path("open", path);
    if (!how)
        return real(path, mode);
    errno = atoi(how);
    return NULL;
}

FILE *fopen(const char *path, const char *mode)
{
    return fopen_as("fopen", path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    return fopen_as("fopen64", path, mode);
}

int rename(const char *from, const char *to)
{
    int (*const real)(const char *, const char *) =
        (int (*)(const char *, const char *))next("rename");
    const char *const how = fault_of_path("rename", to);
    return how ? fail(how) : real(from, to);
}

int unlink(const char *path)
{
    int (*const real)(const char *) = (int (*)(const char *))next("unlink");
    const char *const how = fault_of_path("unlink", path);
    return how ? fail(how) : real(path);
}

int mkdir(const char *path, mode_t mode)
{
    int (*const real)(const char *, mode_t) =
        (int (*)(const char *, mode_t))next("mkdir");
    const char *const how = fault_of_path("mkdir", path);
    return how ? fail(how) : real(path, mode);
}
