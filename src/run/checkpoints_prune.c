/* Old checkpoints and stale temporary files, removed. */
#include "run/checkpoints.h"
#include "run/directory_parts.h"
#include "run/step_files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 3600 };

static flo_status remove_file(flo_context *context, const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return FLO_OK;
    return flo_fail(context, FLO_ERROR_FILE,
                    "%s: an old file cannot be removed: unlink: %s; remove it by hand, "
                    "or give back the right to write there",
                    path, strerror(errno));
}

/* Oldest first, so that a kill in between leaves the newest. */
static flo_status remove_old_steps(flo_context *context, const char *folder,
                                   int64_t keep, int64_t newest)
{
    int64_t *steps, count;
    FLO_TRY(flo_steps_list(context, folder, &steps, &count));
    int64_t first = 0; /* of the steps up to `newest` */
    while (first < count && steps[first] > newest)
        first++;
    flo_status status = FLO_OK;
    for (int64_t i = count - 1; status == FLO_OK && i >= first + (keep > 1 ? keep : 1);
         i--) {
        char *path;
        status = flo_steps_path(context, folder, steps[i], &path);
        if (status == FLO_OK)
            status = remove_file(context, path);
        flo_free(context, &path);
    }
    flo_free(context, &steps);
    return status;
}

/* Whether a name is that of a temporary file of flo_file_replace: NAME.h5.tmp.HOST.PID
   (or .json, .yaml). */
static bool is_temporary(const char *name)
{
    static const char *const kinds[] = {".h5.tmp.", ".json.tmp.", ".yaml.tmp."};
    const char *const pid = strrchr(name, '.');
    if (!pid || !pid[1] || pid[1 + strspn(pid + 1, "0123456789")])
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strstr(name, kinds[i]))
            return true;
    return false;
}

static flo_status remove_if_stale(flo_context *context, const char *path)
{
    struct stat about;
    if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode) ||
        time(NULL) - about.st_mtime < STALE_SECONDS)
        return FLO_OK;
    return remove_file(context, path);
}

static flo_status remove_temporaries(flo_context *context, const char *folder)
{
    DIR *const opened = opendir(folder);
    if (!opened)
        return FLO_OK; /* nothing of ours can be in it */
    flo_status status = FLO_OK;
    for (struct dirent *entry; status == FLO_OK && (entry = readdir(opened));) {
        char *path;
        if (!is_temporary(entry->d_name))
            continue;
        status = flo_steps_join(context, folder, entry->d_name, &path);
        if (status == FLO_OK)
            status = remove_if_stale(context, path);
        flo_free(context, &path);
    }
    closedir(opened);
    return status;
}

flo_status flo_checkpoints_prune(flo_directory *directory, int64_t keep, int64_t newest)
{
    static const char *const folders[] = {"checkpoints", "samples", "."};
    flo_context *const context = directory->context;
    flo_status status = FLO_OK;
    for (size_t i = 0; status == FLO_OK && i < sizeof folders / sizeof folders[0];
         i++) {
        char *folder;
        status = flo_steps_join(context, directory->path, folders[i], &folder);
        if (status == FLO_OK && i == 0)
            status = remove_old_steps(context, folder, keep, newest);
        if (status == FLO_OK)
            status = remove_temporaries(context, folder);
        flo_free(context, &folder);
    }
    return status;
}
