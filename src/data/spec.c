/* A spec cut into file and data set, and the data set that is meant when none is named.
 */
#include "data/spec.h"

#include "data/files.h"
#include "hdf5/dataset.h"

#include <stdio.h>
#include <string.h>

/* The data sets of a file as far as a message needs them. */
typedef struct search {
    const char *usual;
    int64_t count;
    bool has_usual;
    char first[512], list[1024];
} search;

static void note(const char *name, const flo_dataset_info *info, void *argument)
{
    search *const found = argument;
    if (info->again && strcmp(name, found->usual) != 0)
        return; /* known by its first name */
    found->count += !info->again;
    if (found->count == 1 && !info->again)
        snprintf(found->first, sizeof found->first, "%s", name);
    found->has_usual = found->has_usual || !strcmp(name, found->usual);
    const size_t used = strlen(found->list);
    snprintf(found->list + used, sizeof found->list - used, "%s%s", used ? ", " : "",
             name);
}

flo_status flo_spec_find_dataset(flo_arena *arena, const char *file, const char *usual,
                                 const char **name)
{
    flo_context *const context = flo_arena_context(arena);
    flo_texts files;
    search found = {.usual = usual};
    char *copy;
    FLO_TRY(flo_files_expand(arena, &(const flo_texts){1, &file}, &files));
    FLO_TRY(flo_dataset_each(context, files.values[0], note, &found));
    if (found.count != 1 && !found.has_usual)
        return flo_fail(context, FLO_ERROR_DATA,
                        "%s: found %lld numeric data sets%s%s, wanted one, or one "
                        "called %s: name it as in %s:NAME, or a group whose data sets "
                        "are the columns as in %s:/",
                        files.values[0], (long long)found.count,
                        found.count ? ": " : "", found.list, usual, file, file);
    FLO_TRY(flo_arena_string(arena, found.count == 1 ? found.first : usual, &copy));
    *name = copy;
    return FLO_OK;
}

bool flo_spec_has_file(const char *text)
{
    return strchr(text, ':') != NULL;
}

/* The colon behind the longest part that names files; where none does, the last one. */
static flo_status find_cut(flo_arena *arena, const char *spec, const char **cut)
{
    const char *colon = strrchr(spec, ':');
    *cut = colon;
    for (; colon; colon = memrchr(spec, ':', (size_t)(colon - spec))) {
        char *part;
        FLO_TRY(flo_arena_print(arena, &part, "%.*s", (int)(colon - spec), spec));
        if (!flo_files_match(part))
            continue;
        *cut = colon;
        return FLO_OK;
    }
    return FLO_OK;
}

flo_status flo_spec_cut(flo_arena *arena, const char *spec, const char **file,
                        const char **name)
{
    const char *cut = NULL;
    char *text;
    if (!flo_files_match(spec))
        FLO_TRY(find_cut(arena, spec, &cut));
    *name = NULL;
    if (!cut) {
        FLO_TRY(flo_arena_string(arena, spec, &text));
        *file = text;
        return FLO_OK;
    }
    FLO_TRY(flo_arena_print(arena, &text, "%.*s", (int)(cut - spec), spec));
    *file = text;
    if (!cut[1])
        return FLO_OK;
    FLO_TRY(flo_arena_string(arena, cut + 1, &text));
    *name = text;
    return FLO_OK;
}
