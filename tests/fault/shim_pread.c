/* Preloaded into one rank: reading a file takes long, as from a disk that hangs.

   SLOW_FILE: the end of the file's name. SLOW_SECONDS: how long each pread of it takes
   once the path SLOW_SINCE exists. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static bool is_slow(int file)
{
    const char *const wanted = getenv("SLOW_FILE"), *const since = getenv("SLOW_SINCE");
    char link[64], name[4096];
    if (!wanted || !since || access(since, F_OK) != 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link, name, sizeof name - 1);
    const ssize_t end = (ssize_t)strlen(wanted);
    return length >= end && !memcmp(name + length - end, wanted, (size_t)end);
}

ssize_t pread(int file, void *bytes, size_t size, off_t offset)
{
    if (is_slow(file)) {
        const double seconds = atof(getenv("SLOW_SECONDS"));
        struct timespec left = {.tv_sec = (time_t)seconds};
        left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
        while (nanosleep(&left, &left) != 0)
            ;
    }
    return syscall(SYS_pread64, file, bytes, size, offset);
}

ssize_t pread64(int file, void *bytes, size_t size, off_t offset)
{
    return pread(file, bytes, size, offset);
}
