/* Limits of the machine, read from where Linux tells them. */
#include "run/machine.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

/* Beyond it a cgroup's number of bytes means none: version 1 has no word for it. */
static const int64_t NO_LIMIT = (int64_t)1 << 60;

/* The first line of the file root/a/b into text [size]. */
static bool read_line(const char *root, const char *a, const char *b, char *text,
                      int size)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s%s%s", root, a, b) >= PATH_BYTES)
        return false;
    FILE *const file = fopen(path, "r");
    const bool read = file && fgets(text, size, file);
    if (file)
        fclose(file);
    return read;
}

/* What one folder of a cgroup tree says. */
static void read_cgroup(const char *root, const char *folder, flo_machine *m)
{
    static const char *const memory[] = {"/memory.max", "/memory.limit_in_bytes"};
    char text[64], period[64];
    for (int i = 0; i < 2; i++)
        if (read_line(root, folder, memory[i], text, sizeof text) && text[0] != 'm') {
            const int64_t bytes = strtoll(text, NULL, 10);
            if (bytes < NO_LIMIT && bytes < m->memory_limit)
                m->memory_limit = bytes;
        }
    double worth = INFINITY, quota, per;
    if (read_line(root, folder, "/cpu.max", text, sizeof text) &&
        sscanf(text, "%lf %lf", &quota, &per) == 2)
        worth = quota / per;
    else if (read_line(root, folder, "/cpu.cfs_quota_us", text, sizeof text) &&
             read_line(root, folder, "/cpu.cfs_period_us", period, sizeof period) &&
             strtod(text, NULL) > 0)
        worth = strtod(text, NULL) / strtod(period, NULL);
    if (worth < m->cores_worth)
        m->cores_worth = worth;
}

/* A cgroup and all above it: the least limit holds. */
static void walk_up(const char *root, const char *tree, const char *path,
                    flo_machine *m)
{
    char folder[PATH_BYTES];
    const size_t top = (size_t)snprintf(folder, sizeof folder, "%s%s", tree, path);
    if (top >= sizeof folder)
        return;
    for (;;) {
        read_cgroup(root, folder, m);
        char *const slash = strrchr(folder, '/');
        if (!slash || slash < folder + strlen(tree))
            return;
        *slash = '\0';
    }
}

/* Lines of /proc/self/cgroup: "4:memory:/path" of version 1, "0::/path" of version 2.
 */
static void look_at_cgroups(const char *root, flo_machine *m)
{
    char path[PATH_BYTES], line[PATH_BYTES];
    m->memory_limit = INT64_MAX;
    m->cores_worth = INFINITY;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *const file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *const names = strchr(line, ':');
        char *const where = names ? strchr(names + 1, ':') : NULL;
        if (!where)
            continue;
        *where = '\0';
        const bool memory = strcmp(names + 1, "memory") == 0;
        const bool cpu = strcmp(names + 1, "cpu") == 0 ||
                         strncmp(names + 1, "cpu,", strlen("cpu,")) == 0;
        if (names[1] == '\0')
            walk_up(root, "/sys/fs/cgroup", where + 1, m);
        if (memory)
            walk_up(root, "/sys/fs/cgroup/memory", where + 1, m);
        if (cpu)
            walk_up(root, "/sys/fs/cgroup/cpu", where + 1, m);
    }
    if (file)
        fclose(file);
}

static void look_at_memory(const char *root, flo_machine *m)
{
    char path[PATH_BYTES], line[128];
    long long kilobytes;
    m->memory = m->memory_free = -1;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    FILE *const file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemTotal: %lld kB", &kilobytes) == 1)
            m->memory = kilobytes * 1024;
        if (sscanf(line, "MemAvailable: %lld kB", &kilobytes) == 1)
            m->memory_free = kilobytes * 1024;
    }
    if (file)
        fclose(file);
}

static void look_at_shared_memory(const char *root, flo_machine *m)
{
    char path[PATH_BYTES];
    struct statvfs about;
    m->shared = m->shared_free = -1;
    snprintf(path, sizeof path, "%s/dev/shm", root);
    if (statvfs(path, &about) != 0)
        return;
    m->shared = (int64_t)about.f_blocks * (int64_t)about.f_frsize;
    m->shared_free = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
}

static int64_t soft(int failed, const struct rlimit *limit)
{
    if (failed)
        return -1;
    return limit->rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)limit->rlim_cur;
}

static void look_at_limits(flo_machine *m)
{
    struct rlimit limit;
    m->address_space = soft(getrlimit(RLIMIT_AS, &limit), &limit);
    m->locked_memory = soft(getrlimit(RLIMIT_MEMLOCK, &limit), &limit);
    m->open_files = soft(getrlimit(RLIMIT_NOFILE, &limit), &limit);
    m->file_size = soft(getrlimit(RLIMIT_FSIZE, &limit), &limit);
}

void flo_machine_look(const char *root, flo_machine *m)
{
    *m = (flo_machine){.cores = sysconf(_SC_NPROCESSORS_ONLN)};
    if (gethostname(m->host, sizeof m->host - 1) != 0)
        strcpy(m->host, "unknown");
    if (getloadavg(&m->load, 1) != 1)
        m->load = -1;
    look_at_cgroups(root, m);
    look_at_memory(root, m);
    look_at_shared_memory(root, m);
    look_at_limits(m);
}

int flo_machine_read_process(int64_t pid, uint64_t address)
{
    uint64_t word;
    const struct iovec here = {&word, sizeof word};
    const struct iovec there = {(void *)(uintptr_t)address, sizeof word};
    return process_vm_readv((pid_t)pid, &here, 1, &there, 1, 0) < 0 ? errno : 0;
}
