/* Globs by glob(3), sorted here: by bytes, in any locale. */
#include "data/files.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_pattern(const char *text)
{
    return strpbrk(text, "*?[") && access(text, F_OK) != 0;
}

/* The paths that a pattern matches, in no order; globfree ends them. */
static int match(const char *text, glob_t *found)
{
    *found = (glob_t){0};
    return glob(text, GLOB_NOSORT, NULL, found);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool flo_files_match(const char *text)
{
    glob_t found;
    if (!is_pattern(text))
        return access(text, F_OK) == 0;
    const bool any = match(text, &found) == 0;
    globfree(&found);
    return any;
}

/* The sorted matches of one pattern; globfree ends them, also after a failure. */
static flo_status find_matches(flo_context *context, const char *pattern, glob_t *found)
{
    const int error = match(pattern, found);
    if (error == GLOB_NOMATCH)
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: found no file that matches this pattern; paths are "
                        "relative to the working directory",
                        pattern);
    if (error != 0)
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: the folders of this pattern cannot be read", pattern);
    qsort(found->gl_pathv, found->gl_pathc, sizeof *found->gl_pathv, compare);
    return FLO_OK;
}

/* One entry a text: its matches, or none where it is a path as it stands. */
static flo_status copy_paths(flo_arena *arena, const flo_texts *written,
                             const glob_t *found, flo_texts *files)
{
    int64_t count = 0;
    char **path;
    for (int64_t i = 0; i < written->count; ++i)
        count += found[i].gl_pathc ? (int64_t)found[i].gl_pathc : 1;
    FLO_TRY(flo_arena_take(arena, count, sizeof *path, &path));
    *files = (flo_texts){count, (const char *const *)path};
    for (int64_t i = 0; i < written->count; ++i) {
        if (!found[i].gl_pathc)
            FLO_TRY(flo_arena_string(arena, written->values[i], path++));
        for (size_t j = 0; j < found[i].gl_pathc; ++j)
            FLO_TRY(flo_arena_string(arena, found[i].gl_pathv[j], path++));
    }
    return FLO_OK;
}

flo_status flo_files_expand(flo_arena *arena, const flo_texts *written,
                            flo_texts *files)
{
    glob_t *found;
    FLO_TRY(flo_arena_take(arena, written->count, sizeof *found, &found));
    flo_status status = FLO_OK;
    for (int64_t i = 0; status == FLO_OK && i < written->count; ++i)
        if (is_pattern(written->values[i]))
            status =
                find_matches(flo_arena_context(arena), written->values[i], &found[i]);
    if (status == FLO_OK)
        status = copy_paths(arena, written, found, files);
    for (int64_t i = 0; i < written->count; ++i)
        globfree(&found[i]);
    return status;
}
