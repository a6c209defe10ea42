/* A spec cut into file and data set, and the data set that is meant when none is named.
 */
#include "data/spec.h"

#include "hdf5/dataset.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The data set of a file that is meant when none is named. */
typedef struct search {
    int64_t count;
    bool has_test;
    char first[512], list[1024];
} search;

static void note(const char *name, const flo_dataset_info *info, void *argument)
{
    search *const found = argument;
    (void)info;
    if (found->count++ == 0)
        snprintf(found->first, sizeof found->first, "%s", name);
    found->has_test = found->has_test || !strcmp(name, "test");
    const size_t used = strlen(found->list);
    snprintf(found->list + used, sizeof found->list - used, "%s%s", used ? ", " : "",
             name);
}

static flo_status find_dataset(flo_context *context, const char *file, char *name)
{
    search found = {0};
    FLO_TRY(flo_dataset_each(context, file, note, &found));
    if (found.count != 1 && !found.has_test)
        return flo_fail(context, FLO_ERROR_DATA,
                        "%s: found %lld numeric data sets%s%s, wanted one, or one "
                        "called test: name it as in %s:NAME",
                        file, (long long)found.count, found.count ? ": " : "",
                        found.list, file);
    snprintf(name, FLO_SPEC_BYTES, "%s", found.count == 1 ? found.first : "test");
    return FLO_OK;
}

flo_status flo_spec_cut(flo_context *context, const char *spec, char *file, char *name)
{
    if (strlen(spec) >= FLO_SPEC_BYTES)
        return flo_fail(context, FLO_ERROR_USAGE,
                        "'%.60s...': found a name of %zu bytes, wanted fewer than %d",
                        spec, strlen(spec), FLO_SPEC_BYTES);
    const char *const colon = access(spec, F_OK) == 0 ? NULL : strrchr(spec, ':');
    const int length = (int)(colon ? colon - spec : (ptrdiff_t)strlen(spec));
    snprintf(file, FLO_SPEC_BYTES, "%.*s", length, spec);
    if (!colon || !colon[1])
        return find_dataset(context, file, name);
    snprintf(name, FLO_SPEC_BYTES, "%s", colon + 1);
    return FLO_OK;
}
