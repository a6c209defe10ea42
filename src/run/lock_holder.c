/* Who holds a lock: read from the environment, written to and read from its file. */
#include "run/lock_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void from_environment(const char *name, char *value, size_t size)
{
    const char *const found = getenv(name);
    snprintf(value, size, "%s", found && *found && !strchr(found, ' ') ? found : "-");
}

flo_holder flo_holder_self(void)
{
    flo_holder self = {.pid = (long)getpid()};
    if (gethostname(self.host, sizeof self.host - 1) != 0 || !self.host[0])
        snprintf(self.host, sizeof self.host, "unknown");
    from_environment("SLURM_JOB_ID", self.job, sizeof self.job);
    from_environment("SLURM_RESTART_COUNT", self.restart, sizeof self.restart);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    self.beat = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return self;
}

bool flo_holder_same(const flo_holder *a, const flo_holder *b)
{
    return a->pid == b->pid && !strcmp(a->host, b->host) && !strcmp(a->job, b->job) &&
           !strcmp(a->restart, b->restart);
}

bool flo_holder_same_job(const flo_holder *a, const flo_holder *b)
{
    return strcmp(a->job, "-") != 0 && !strcmp(a->job, b->job);
}

bool flo_holder_same_start(const flo_holder *a, const flo_holder *b)
{
    return flo_holder_same_job(a, b) && !strcmp(a->restart, b->restart);
}

bool flo_holder_read(const char *path, flo_holder *holder)
{
    char line[FLO_HOLDER_BYTES] = "";
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    const ssize_t got = read(file, line, sizeof line - 1);
    close(file);
    return got > 0 && sscanf(line, "host=%127s pid=%ld job=%63s restart=%31s beat=%lld",
                             holder->host, &holder->pid, holder->job, holder->restart,
                             &holder->beat) == 5;
}

int flo_holder_write(int file, const flo_holder *holder)
{
    char line[FLO_HOLDER_BYTES];
    const int length =
        snprintf(line, sizeof line, "host=%s pid=%ld job=%s restart=%s beat=%013lld\n",
                 holder->host, holder->pid, holder->job, holder->restart, holder->beat);
    const ssize_t written = pwrite(file, line, (size_t)length, 0);
    if (written >= 0 && written != length)
        errno = ENOSPC;
    if (written != length || ftruncate(file, length) != 0)
        return -1;
    return fsync(file);
}
