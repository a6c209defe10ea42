/* The step files of a folder: listed, and named. */
#include "run/step_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_DIGITS = 10, MOST_DIGITS = 18 };

/* The step in a name "step-0000001000.h5"; -1 if it is none. */
static int64_t step_of(const char *name)
{
    static const char prefix[] = "step-", suffix[] = ".h5";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return -1;
    const char *const digits = name + sizeof prefix - 1;
    const size_t count = strspn(digits, "0123456789");
    if (count < LEAST_DIGITS || count > MOST_DIGITS ||
        strcmp(digits + count, suffix) != 0)
        return -1;
    return strtoll(digits, NULL, 10);
}

static int newer_first(const void *a, const void *b)
{
    int64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left < right) - (left > right);
}

/* Counts the step files of an open folder, and takes their steps down [room]. */
static int64_t read_steps(DIR *folder, int64_t *steps, int64_t room)
{
    int64_t count = 0;
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        const int64_t step = step_of(entry->d_name);
        if (step < 0)
            continue;
        if (count < room)
            steps[count] = step;
        count++;
    }
    return count;
}

flo_status flo_steps_list(flo_context *context, const char *folder, int64_t **steps,
                          int64_t *count)
{
    *steps = NULL;
    *count = 0;
    DIR *const opened = opendir(folder);
    if (!opened)
        return errno == ENOENT
                   ? FLO_OK
                   : flo_fail(context, FLO_ERROR_FILE,
                              "%s: cannot be listed: %s; checkpoints are looked for "
                              "there",
                              folder, strerror(errno));
    const int64_t room = read_steps(opened, NULL, 0);
    const flo_status status = flo_allocate(context, room, sizeof **steps, steps);
    if (status == FLO_OK) {
        const int64_t found = read_steps(opened, *steps, room);
        *count = found < room ? found : room;
        qsort(*steps, (size_t)*count, sizeof **steps, newer_first);
    }
    closedir(opened);
    return status;
}

flo_status flo_steps_join(flo_context *context, const char *folder, const char *name,
                          char **path)
{
    const size_t bytes = (folder ? strlen(folder) : 0) + strlen(name) + 2;
    FLO_TRY(flo_allocate(context, (int64_t)bytes, 1, path));
    snprintf(*path, bytes, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
    return FLO_OK;
}

flo_status flo_steps_path(flo_context *context, const char *folder, int64_t step,
                          char **path)
{
    char name[64];
    snprintf(name, sizeof name, FLO_STEP_NAME, (long long)step);
    return flo_steps_join(context, folder, name, path);
}
