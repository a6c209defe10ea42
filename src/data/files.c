/* Globs by glob(3), sorted here: by bytes, in any locale. It takes ** for *: the
   folders that a part ** stands for are walked here. */
#include "data/files.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_pattern(const char *text)
{
    return strpbrk(text, "*?[") && access(text, F_OK) != 0;
}

/* Where the first part ** of a pattern is that something follows; NULL: none. */
static const char *find_any_depth(const char *pattern)
{
    const char *at = pattern;
    while ((at = strstr(at, "**/")) != NULL && at != pattern && at[-1] != '/')
        at++;
    return at && at[3] ? at : NULL;
}

/* The path as a pattern that matches it alone, and `more` behind; free(3). */
static char *escape(const char *path, const char *more)
{
    char *const text = malloc(2 * strlen(path) + strlen(more) + 1), *to = text;
    for (; text && *path; *to++ = *path++)
        if (strchr("*?[\\", *path))
            *to++ = '\\';
    if (text)
        strcpy(to, more);
    return text;
}

static int match(const char *pattern, glob_t *found);

/* Adds what `rest` matches below a folder ("" or "a/b/"), and below the folders in it:
   those that * matches, and no links, which may lead back. */
static int walk(const char *folder, const char *rest, glob_t *found)
{
    char *here = escape(folder, rest), *below = escape(folder, "*/");
    glob_t folders = {0};
    int error = here && below ? match(here, found) : GLOB_NOSPACE;
    if (error == 0 || error == GLOB_NOMATCH)
        error = glob(below, GLOB_NOSORT, NULL, &folders);
    for (size_t i = 0; error == 0 && i < folders.gl_pathc; ++i) {
        struct stat what;
        char *const path = folders.gl_pathv[i];
        const size_t length = strlen(path);
        path[length - 1] = '\0'; /* of a link with its / the folder is looked at */
        const bool is_folder = lstat(path, &what) == 0 && S_ISDIR(what.st_mode);
        path[length - 1] = '/';
        if (is_folder)
            error = walk(path, rest, found);
    }
    globfree(&folders);
    free(here);
    free(below);
    return error == GLOB_NOMATCH ? 0 : error;
}

/* Walks the folders that stand before the part ** at `any`. */
static int match_any_depth(const char *pattern, const char *any, glob_t *found)
{
    const char *const rest = any + 3;
    if (any == pattern)
        return walk("", rest, found);
    glob_t folders = {0};
    char *const before = strndup(pattern, (size_t)(any - pattern));
    int error = before ? glob(before, GLOB_NOSORT, NULL, &folders) : GLOB_NOSPACE;
    for (size_t i = 0; error == 0 && i < folders.gl_pathc; ++i)
        error = walk(folders.gl_pathv[i], rest, found);
    globfree(&folders);
    free(before);
    return error == GLOB_NOMATCH ? 0 : error;
}

/* Adds the paths that a pattern matches to `found`, in no order; globfree ends them.
   Some may be there twice where ** stands twice. */
static int match(const char *pattern, glob_t *found)
{
    const char *const any = find_any_depth(pattern);
    const int error = any ? match_any_depth(pattern, any, found)
                          : glob(pattern, GLOB_NOSORT | GLOB_APPEND, NULL, found);
    return error == 0 && found->gl_pathc == 0 ? GLOB_NOMATCH : error;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether the path before it is the same: where ** stands twice both find it. */
static bool is_double(const glob_t *found, size_t i)
{
    return i > 0 && strcmp(found->gl_pathv[i], found->gl_pathv[i - 1]) == 0;
}

bool flo_files_match(const char *text)
{
    glob_t found = {0};
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

/* One entry a text: its sorted matches, or none where it is a path as it stands. */
static flo_status copy_paths(flo_arena *arena, const flo_texts *written,
                             const glob_t *found, flo_texts *files)
{
    int64_t count = 0;
    char **path;
    for (int64_t i = 0; i < written->count; ++i) {
        count += found[i].gl_pathc ? 0 : 1;
        for (size_t j = 0; j < found[i].gl_pathc; ++j)
            count += !is_double(&found[i], j);
    }
    FLO_TRY(flo_arena_take(arena, count, sizeof *path, &path));
    *files = (flo_texts){count, (const char *const *)path};
    for (int64_t i = 0; i < written->count; ++i) {
        if (!found[i].gl_pathc)
            FLO_TRY(flo_arena_string(arena, written->values[i], path++));
        for (size_t j = 0; j < found[i].gl_pathc; ++j)
            if (!is_double(&found[i], j))
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
