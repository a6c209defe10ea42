/* The run directory: opened and locked, its file names, its status. */
#include "run/directory_parts.h"

#include "hdf5/sealed_file.h"
#include "run/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static flo_status allocate_names(flo_directory *directory, const char *path)
{
    flo_context *const context = directory->context;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (!length)
        return flo_fail(context, FLO_ERROR_USAGE,
                        "run.directory is empty; wanted a directory for the run");
    directory->name_bytes = length + 1 + FLO_NAME_BYTES;
    const int64_t bytes = (int64_t)directory->name_bytes;
    FLO_TRY(flo_allocate(context, bytes, 1, &directory->path));
    FLO_TRY(flo_allocate(context, bytes, 1, &directory->name));
    FLO_TRY(flo_allocate(context, bytes, 1, &directory->own));
    memcpy(directory->path, path, length);
    return FLO_OK;
}

static flo_status refuse(flo_directory *directory, const char *sign)
{
    return flo_fail(directory->context, FLO_ERROR_USAGE,
                    "%s: already holds a run (%s is there); --resume continues it, "
                    "--fresh moves it aside and starts anew",
                    directory->path, sign);
}

static flo_status open_named(flo_directory *directory, flo_start start)
{
    flo_context *const context = directory->context;
    const flo_lock_rules rules = flo_lock_usual();
    FLO_TRY(flo_directory_make(context, directory->path));
    FLO_TRY(flo_lock_acquire(context, flo_directory_own(directory, "lock"), &rules,
                             &directory->lock));
    const char *const sign = flo_directory_sign(directory);
    if (sign && start == FLO_START_NEW)
        return refuse(directory, sign);
    if (sign && start == FLO_START_FRESH)
        FLO_TRY(flo_directory_move_aside(directory));
    FLO_TRY(flo_directory_make(context, flo_directory_own(directory, "checkpoints")));
    return flo_directory_make(context, flo_directory_own(directory, "samples"));
}

flo_status flo_directory_open(flo_context *context, const char *path, flo_start start,
                              flo_directory **directory)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **directory, directory));
    (*directory)->context = context;
    (*directory)->metrics_end = -1;
    flo_status status = allocate_names(*directory, path);
    if (status == FLO_OK)
        status = open_named(*directory, start);
    if (status != FLO_OK)
        flo_directory_close(directory);
    return status;
}

void flo_directory_close(flo_directory **directory)
{
    if (!*directory)
        return;
    flo_directory *const d = *directory;
    flo_context *const context = d->context;
    flo_lock_release(&d->lock);
    flo_free(context, &d->path);
    flo_free(context, &d->moved);
    flo_free(context, &d->name);
    flo_free(context, &d->own);
    flo_free(context, &d->metrics);
    flo_free(context, directory);
}

flo_status flo_directory_look(flo_context *context, const char *path, flo_start start,
                              bool *holds_run)
{
    flo_directory *directory;
    FLO_TRY(flo_allocate(context, 1, sizeof *directory, &directory));
    directory->context = context;
    flo_status status = allocate_names(directory, path);
    if (status == FLO_OK) {
        const char *const sign = flo_directory_sign(directory);
        *holds_run = sign;
        if (sign && start == FLO_START_NEW)
            status = refuse(directory, sign);
    }
    flo_directory_close(&directory);
    return status;
}

const char *flo_directory_path(const flo_directory *directory)
{
    return directory->path;
}

const char *flo_directory_moved(const flo_directory *directory)
{
    return directory->moved ? directory->moved : "";
}

const char *flo_directory_file(flo_directory *directory, const char *format, ...)
{
    const int used =
        snprintf(directory->name, directory->name_bytes, "%s/", directory->path);
    va_list arguments;
    va_start(arguments, format);
    const int more =
        vsnprintf(directory->name + used, FLO_NAME_BYTES, format, arguments);
    va_end(arguments);
    assert(more >= 0 && more < FLO_NAME_BYTES);
    (void)more;
    return directory->name;
}

const char *flo_directory_own(flo_directory *directory, const char *name)
{
    snprintf(directory->own, directory->name_bytes, "%s/%s", directory->path, name);
    return directory->own;
}

/* Writes the text of status.json to `text` [bytes], its message to `quoted`. */
static void print_status(const char *state, int64_t step, const char *message,
                         char *quoted, char *text, size_t bytes)
{
    char host[256] = "", quoted_host[FLO_JSON_BYTES(256)], when[32] = "";
    gethostname(host, sizeof host - 1);
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    flo_json_quote(message, quoted, FLO_JSON_BYTES(strlen(message)));
    flo_json_quote(host, quoted_host, sizeof quoted_host);
    snprintf(text, bytes,
             "{\"state\": \"%s\", \"step\": %lld, \"time\": \"%s\", \"message\": %s, "
             "\"host\": %s, \"pid\": %ld}\n",
             state, (long long)step, when, quoted, quoted_host, (long)getpid());
}

flo_status flo_directory_write_status(flo_context *context, const char *path,
                                      const char *state, int64_t step,
                                      const char *message,
                                      flo_directory_replace *replace)
{
    const size_t room = FLO_JSON_BYTES(strlen(message)), bytes = room + 4096;
    char *memory;
    FLO_TRY(flo_allocate(context, (int64_t)(room + bytes), 1, &memory));
    char *const text = memory + room;
    print_status(state, step, message, memory, text, bytes);
    const flo_status status = replace(context, path, text, strlen(text));
    flo_free(context, &memory);
    return status;
}

flo_status flo_directory_status(flo_directory *directory, const char *state,
                                int64_t step, const char *message)
{
    if (flo_lock_lost(directory->lock))
        return flo_fail(directory->context, FLO_ERROR_USAGE,
                        "%s: another process has taken this run over; this one stops "
                        "and leaves it alone",
                        directory->path);
    return flo_directory_write_status(directory->context,
                                      flo_directory_own(directory, "status.json"),
                                      state, step, message, flo_file_replace);
}

flo_status flo_directory_progress(flo_directory *directory, int64_t step)
{
    if (flo_lock_lost(directory->lock))
        return FLO_OK;
    return flo_directory_write_status(directory->context,
                                      flo_directory_own(directory, "status.json"),
                                      "running", step, "", flo_file_replace_quickly);
}

/* "state" comes first in what we write, and a text holds no bare quotes. */
void flo_directory_state(flo_directory *directory, char *state, size_t size)
{
    char text[256] = "", word[32] = "";
    FILE *const file = fopen(flo_directory_own(directory, "status.json"), "r");
    if (file) {
        const size_t got = fread(text, 1, sizeof text - 1, file);
        text[got] = '\0';
        fclose(file);
    }
    const char *const key = strstr(text, "\"state\"");
    if (!key || sscanf(key, "\"state\" : \"%31[a-z]\"", word) != 1)
        word[0] = '\0';
    snprintf(state, size, "%s", word);
}
