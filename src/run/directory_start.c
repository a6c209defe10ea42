/* How a run directory comes to be: made with its parents, searched for a run, moved
   aside. */
#include "run/directory_parts.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Makes each folder of the path in turn; `copy` is the path, and is so again. */
static flo_status make_each(flo_context *context, char *copy)
{
    for (char *end = copy + 1; *copy; end++) {
        if (*end != '/' && *end != '\0')
            continue;
        const char ended = *end;
        *end = '\0';
        const int made = mkdir(copy, 0777);
        const int error = errno;
        if (made != 0 && !is_directory(copy))
            return flo_fail(context, FLO_ERROR_FILE,
                            "%s: cannot be made: mkdir: %s; choose another "
                            "run.directory, or move away what stands there",
                            copy,
                            error == EEXIST ? "not a directory" : strerror(error));
        *end = ended;
        if (ended == '\0')
            break;
    }
    return FLO_OK;
}

flo_status flo_directory_make(flo_context *context, const char *path)
{
    char *copy;
    const size_t bytes = strlen(path) + 1;
    FLO_TRY(flo_allocate(context, (int64_t)bytes, 1, &copy));
    memcpy(copy, path, bytes);
    const flo_status status = make_each(context, copy);
    flo_free(context, &copy);
    return status;
}

/* Whether a path is a file, or a folder with something in it. */
static bool holds_something(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return false;
    DIR *const folder = S_ISDIR(about.st_mode) ? opendir(path) : NULL;
    if (!folder)
        return true;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(folder));)
        found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return found;
}

const char *flo_directory_sign(flo_directory *directory)
{
    static const char *const signs[] = {"checkpoints", "metrics.jsonl", "status.json",
                                        "config.yaml", "log.txt",       "samples",
                                        "test.json"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (holds_something(flo_directory_own(directory, signs[i])))
            return signs[i];
    return NULL;
}

/* Whether the working directory is `path` or lies in it: then a move would take along
   what relative paths mean. */
static bool working_inside(const char *path)
{
    char working[PATH_MAX];
    const size_t length = strlen(path);
    if (!getcwd(working, sizeof working))
        return false;
    return !strncmp(working, path, length) &&
           (working[length] == '/' || working[length] == '\0');
}

/* The first of REAL.old-1, REAL.old-2, .. that is free. */
static flo_status free_name(flo_directory *directory, const char *real)
{
    const size_t bytes = strlen(real) + 32;
    FLO_TRY(flo_allocate(directory->context, (int64_t)bytes, 1, &directory->moved));
    struct stat about;
    int number = 0;
    do
        snprintf(directory->moved, bytes, "%s.old-%d", real, ++number);
    while (lstat(directory->moved, &about) == 0);
    return FLO_OK;
}

/* The old lock moved along, and is held until the new one is: no other process can
   come between unnoticed. */
static flo_status lock_anew(flo_directory *directory)
{
    char moved_lock[PATH_MAX + 64];
    flo_lock *old = directory->lock;
    const flo_lock_rules rules = flo_lock_usual();
    directory->lock = NULL;
    const flo_status status =
        flo_lock_acquire(directory->context, flo_directory_own(directory, "lock"),
                         &rules, &directory->lock);
    flo_lock_release(&old);
    snprintf(moved_lock, sizeof moved_lock, "%s/lock", directory->moved);
    unlink(moved_lock);
    return status;
}

/* Renames the directory `real` and makes and locks it anew. Where another job made it
   meanwhile, the lock decides. */
static flo_status rename_and_lock(flo_directory *directory, const char *real)
{
    flo_context *const context = directory->context;
    FLO_TRY(free_name(directory, real));
    if (rename(real, directory->moved) != 0)
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: cannot be moved aside to %s: rename: %s; move it by hand, "
                        "or choose another run.directory",
                        real, directory->moved, strerror(errno));
    if (mkdir(real, 0777) != 0 && !is_directory(real))
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: cannot be made: mkdir: %s; the old run is now %s", real,
                        strerror(errno), directory->moved);
    return lock_anew(directory);
}

flo_status flo_directory_move_aside(flo_directory *directory)
{
    char real[PATH_MAX]; /* a link stays, and what it points to moves */
    if (!realpath(directory->path, real))
        return flo_fail(directory->context, FLO_ERROR_FILE,
                        "%s: cannot be moved aside: realpath: %s", directory->path,
                        strerror(errno));
    if (working_inside(real))
        return flo_fail(directory->context, FLO_ERROR_USAGE,
                        "%s: --fresh cannot move the working directory aside; start "
                        "from another directory",
                        real);
    return rename_and_lock(directory, real);
}
