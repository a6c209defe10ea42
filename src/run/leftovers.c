/* Temporary files of killed processes, found by name and removed. */
#include "run/leftovers.h"

#include "run/directory_parts.h"
#include "run/step_files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Whether "NAME.tmp.HOST.PID" is that of a file of ours. */
static bool is_leftover(const char *name)
{
    static const char *const ours[] = {"step-", "best.h5.", "status.json.",
                                       "test.json.", "config.yaml."};
    const char *const pid = strrchr(name, '.');
    if (!pid || !pid[1] || pid[1 + strspn(pid + 1, "0123456789")])
        return false;
    const char *const temporary = strstr(name, ".tmp.");
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strncmp(name, ours[i], strlen(ours[i])) == 0)
            return temporary && temporary + 4 < pid;
    return false;
}

static flo_status remove_file(flo_context *context, const char *folder,
                              const char *name)
{
    char *path;
    FLO_TRY(flo_steps_join(context, folder, name, &path));
    flo_status status = FLO_OK;
    if (unlink(path) != 0 && errno != ENOENT)
        status =
            flo_fail(context, FLO_ERROR_FILE,
                     "%s: what a killed process left cannot be removed: unlink: %s; "
                     "remove it by hand",
                     path, strerror(errno));
    flo_free(context, &path);
    return status;
}

static flo_status remove_in(flo_context *context, const char *folder)
{
    DIR *const opened = opendir(folder);
    if (!opened)
        return FLO_OK; /* nothing of ours can be in it */
    flo_status status = FLO_OK;
    for (struct dirent *entry; status == FLO_OK && (entry = readdir(opened));)
        if (is_leftover(entry->d_name))
            status = remove_file(context, folder, entry->d_name);
    closedir(opened);
    return status;
}

flo_status flo_leftovers_remove(flo_directory *directory)
{
    FLO_TRY(remove_in(directory->context, directory->path));
    FLO_TRY(remove_in(directory->context, flo_directory_own(directory, "checkpoints")));
    return remove_in(directory->context, flo_directory_own(directory, "samples"));
}
