/* A whole file as text in an arena. */
#include "config/yaml.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Pipes have no size, so a file is read until it ends; a device that never ends stops
   here. */
enum { MOST_BYTES = 1 << 26, FIRST_BYTES = 1 << 14 };

static flo_status fail_file(flo_context *context, const char *path, const char *reason)
{
    char folder[PATH_MAX];
    return flo_fail(context, FLO_ERROR_FILE,
                    "%s: found %s, wanted a readable text file: check the path (paths "
                    "are relative to the working directory, %s) and its permissions",
                    path, reason, getcwd(folder, sizeof folder) ? folder : "?");
}

static flo_status double_buffer(flo_context *context, char **buffer, size_t *bytes)
{
    char *larger;
    FLO_TRY(flo_allocate(context, (int64_t)(2 * *bytes), 1, &larger));
    memcpy(larger, *buffer, *bytes);
    flo_free(context, buffer);
    *buffer = larger;
    *bytes *= 2;
    return FLO_OK;
}

static flo_status read_all(flo_context *context, const char *path, FILE *file,
                           char **buffer, size_t *length)
{
    size_t bytes = FIRST_BYTES;
    FLO_TRY(flo_allocate(context, (int64_t)bytes, 1, buffer));
    for (;;) {
        errno = 0;
        *length += fread(*buffer + *length, 1, bytes - *length, file);
        if (ferror(file))
            return fail_file(context, path, strerror(errno));
        if (*length < bytes)
            return FLO_OK;
        if (bytes >= MOST_BYTES)
            return fail_file(context, path, "more than 64 MiB");
        FLO_TRY(double_buffer(context, buffer, &bytes));
    }
}

flo_status flo_file_text(flo_arena *arena, const char *path, char **text,
                         size_t *length)
{
    flo_context *const context = flo_arena_context(arena);
    char *buffer = NULL;
    *text = NULL;
    *length = 0;
    FILE *const file = fopen(path, "rbe");
    if (!file)
        return fail_file(context, path, strerror(errno));
    flo_status status = read_all(context, path, file, &buffer, length);
    fclose(file);
    if (status == FLO_OK)
        status = flo_arena_take(arena, (int64_t)*length + 1, 1, text);
    if (status == FLO_OK)
        memcpy(*text, buffer, *length);
    flo_free(context, &buffer);
    return status;
}
