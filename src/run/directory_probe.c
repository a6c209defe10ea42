/* A small file in a folder, through all that a checkpoint and a lock go through. */
#include "run/directory_probe.h"

#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { NAME_BYTES = 600, BLOCK_BYTES = 65536 };

/* The names of file systems that runs are found on, by statfs(2)'s number. */
static const struct {
    unsigned long magic;
    const char *name;
} systems[] = {{0x6969, "nfs"},        {0x0bd00bd0, "lustre"}, {0x47504653, "gpfs"},
               {0x19830326, "beegfs"}, {0x00c36400, "ceph"},   {0xef53, "ext4"},
               {0x58465342, "xfs"},    {0x9123683e, "btrfs"},  {0x2fc12fc1, "zfs"},
               {0x01021994, "tmpfs"},  {0x858458f6, "ramfs"},  {0x794c7630, "overlay"},
               {0xff534d42, "cifs"},   {0xfe534d42, "smb2"},   {0x65735546, "fuse"}};

static void name_system(flo_directory_probe *probe)
{
    struct statfs about;
    probe->system = "";
    if (statfs(probe->path, &about) != 0)
        return;
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++)
        if (systems[i].magic == ((unsigned long)about.f_type & 0xffffffff))
            probe->system = systems[i].name;
}

static void find_space(flo_directory_probe *probe)
{
    struct statvfs about;
    probe->free_bytes = -1;
    if (statvfs(probe->path, &about) == 0)
        probe->free_bytes = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
}

/* "a/b/c" becomes "a/b", then "a", then "."; "/a" becomes "/". */
static void go_up(char *path)
{
    char *const slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else
        slash[slash == path] = '\0';
}

static void find_existing(const char *path, flo_directory_probe *probe)
{
    struct stat about;
    snprintf(probe->path, sizeof probe->path, "%s", *path ? path : ".");
    while (stat(probe->path, &about) != 0 && errno == ENOENT &&
           strcmp(probe->path, ".") != 0 && strcmp(probe->path, "/") != 0)
        go_up(probe->path);
}

static bool passed(flo_directory_probe *probe, bool good, const char *call)
{
    if (good)
        return true;
    probe->error = errno;
    probe->failed = call;
    return false;
}

/* A lock that keeps others out: a second opener of the file must be refused. */
static bool locks_hold(int file, const char *name)
{
    if (flock(file, LOCK_EX | LOCK_NB) != 0)
        return false;
    const int other = open(name, O_RDWR | O_CLOEXEC);
    const bool refused =
        other >= 0 && flock(other, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (other >= 0)
        close(other);
    return refused;
}

/* A first write that fits only in part succeeds: the next one tells why. */
static bool write_all(int file, const char *bytes, size_t left)
{
    while (left > 0) {
        const ssize_t written = write(file, bytes, left);
        if (written <= 0)
            return false;
        bytes += written;
        left -= (size_t)written;
    }
    return true;
}

static void write_block(flo_directory_probe *probe, int file)
{
    static const char block[BLOCK_BYTES];
    void (*const before)(int) = signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes */
    const double begin = flo_seconds();
    if (passed(probe, write_all(file, block, sizeof block), "write") &&
        passed(probe, fsync(file) == 0, "fsync"))
        probe->flush_seconds = flo_seconds() - begin;
    signal(SIGXFSZ, before);
}

static void try_file(flo_directory_probe *probe)
{
    char name[NAME_BYTES], renamed[NAME_BYTES + 8];
    snprintf(name, sizeof name, "%s/.flotilla-doctor-%ld", probe->path, (long)getpid());
    snprintf(renamed, sizeof renamed, "%s-2", name);
    const int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (!passed(probe, file >= 0, "open"))
        return;
    probe->locks = locks_hold(file, name);
    write_block(probe, file);
    close(file);
    if (!probe->failed && passed(probe, rename(name, renamed) == 0, "rename"))
        unlink(renamed);
    else
        unlink(name);
}

void flo_directory_try(const char *path, flo_directory_probe *probe)
{
    *probe = (flo_directory_probe){.failed = NULL};
    find_existing(path, probe);
    name_system(probe);
    find_space(probe);
    try_file(probe);
}
