/* The checkpoint files of a run: named, the newest whole one found, a MODEL resolved.
 */
#include "run/checkpoints.h"

#include "hdf5/sealed_file.h"
#include "run/directory_parts.h"
#include "run/step_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *flo_checkpoints_name(flo_directory *directory, int64_t step)
{
    return flo_directory_file(directory, "checkpoints/" FLO_STEP_NAME, (long long)step);
}

/* A search for the newest whole checkpoint. */
typedef struct search {
    flo_context *context;
    const char *folder;
    void (*skipped)(const char *path, const char *reason, void *argument);
    void *argument;
    char first_reason[FLO_MESSAGE_BYTES]; /* why the newest is not it */
} search;

/* Tries one step: *bytes stays NULL when its file is damaged. */
static flo_status try_step(search *s, int64_t step, char **path, void **bytes,
                           size_t *size)
{
    FLO_TRY(flo_steps_path(s->context, s->folder, step, path));
    flo_status status = flo_sealed_read(s->context, *path, bytes, size);
    if (status == FLO_ERROR_FILE) {
        char reason[FLO_MESSAGE_BYTES]; /* the callback may fail calls of its own */
        snprintf(reason, sizeof reason, "%s", flo_context_message(s->context));
        if (!s->first_reason[0])
            snprintf(s->first_reason, sizeof s->first_reason, "%s", reason);
        if (s->skipped)
            s->skipped(*path, reason, s->argument);
        status = FLO_OK;
    }
    if (!*bytes)
        flo_free(s->context, path);
    return status;
}

static flo_status try_steps(search *s, const int64_t *steps, int64_t count, char **path,
                            int64_t *step, void **bytes, size_t *size)
{
    for (int64_t i = 0; i < count; i++) {
        FLO_TRY(try_step(s, steps[i], path, bytes, size));
        *step = steps[i];
        if (*bytes)
            return FLO_OK;
    }
    if (!count)
        return FLO_OK;
    return flo_fail(
        s->context, FLO_ERROR_FILE,
        "%s: none of its %lld checkpoints is whole, the newest: %.2048s; put "
        "a good copy back, or start over with --fresh (which keeps this "
        "directory, moved aside)",
        s->folder, (long long)count, s->first_reason);
}

flo_status flo_checkpoints_newest(flo_directory *directory,
                                  void (*skipped)(const char *path, const char *reason,
                                                  void *argument),
                                  void *argument, char **path, int64_t *step,
                                  void **bytes, size_t *size)
{
    flo_context *const context = directory->context;
    *path = NULL;
    *step = 0;
    *bytes = NULL;
    *size = 0;
    char *folder;
    int64_t *steps = NULL, count;
    FLO_TRY(flo_steps_join(context, directory->path, "checkpoints", &folder));
    flo_status status = flo_steps_list(context, folder, &steps, &count);
    if (status == FLO_OK) {
        search s = {context, folder, skipped, argument, ""};
        status = try_steps(&s, steps, count, path, step, bytes, size);
    }
    flo_free(context, &steps);
    flo_free(context, &folder);
    return status;
}

static bool is_kind(const char *path, mode_t kind)
{
    struct stat about;
    return stat(path, &about) == 0 && (about.st_mode & S_IFMT) == kind;
}

/* The checkpoint of a folder that stands for its model: best.h5, else the newest step;
 *path is NULL if it has neither. */
static flo_status model_in(flo_context *context, const char *folder, char **path)
{
    FLO_TRY(flo_steps_join(context, folder, "best.h5", path));
    if (is_kind(*path, S_IFREG))
        return FLO_OK;
    flo_free(context, path);
    int64_t *steps, count;
    FLO_TRY(flo_steps_list(context, folder, &steps, &count));
    const flo_status status =
        count ? flo_steps_path(context, folder, steps[0], path) : FLO_OK;
    flo_free(context, &steps);
    return status;
}

flo_status flo_checkpoints_model(flo_context *context, const char *model, char **path)
{
    *path = NULL;
    if (!is_kind(model, S_IFDIR)) {
        if (access(model, F_OK) == 0)
            return flo_steps_join(context, NULL, model, path);
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: %s; wanted a run directory or a checkpoint file", model,
                        strerror(errno));
    }
    char *folder;
    FLO_TRY(flo_steps_join(context, model, "checkpoints", &folder));
    flo_status status = model_in(context, folder, path);
    flo_free(context, &folder);
    if (status == FLO_OK && !*path)
        status = model_in(context, model, path);
    if (status == FLO_OK && !*path)
        status = flo_fail(context, FLO_ERROR_FILE,
                          "%s: holds no checkpoint; looked for checkpoints/best.h5, "
                          "checkpoints/step-*.h5, best.h5 and step-*.h5 in it; has the "
                          "run written one yet?",
                          model);
    return status;
}
