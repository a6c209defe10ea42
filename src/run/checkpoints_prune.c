/* Old checkpoints, removed. */
#include "run/checkpoints.h"
#include "run/directory_parts.h"
#include "run/step_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

flo_status flo_checkpoints_prune(flo_directory *directory, int64_t keep, int64_t newest)
{
    flo_context *const context = directory->context;
    char *folder;
    FLO_TRY(flo_steps_join(context, directory->path, "checkpoints", &folder));
    const flo_status status = remove_old_steps(context, folder, keep, newest);
    flo_free(context, &folder);
    return status;
}
