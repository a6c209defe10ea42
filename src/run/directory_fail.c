/* A run marked as failed by a rank that has not opened its directory. */
#include "hdf5/sealed_file.h"
#include "run/directory_parts.h"

#include <stdio.h>
#include <string.h>

flo_status flo_directory_fail(flo_context *context, const char *path, int64_t step,
                              const char *message)
{
    char *name;
    const size_t bytes = strlen(path) + FLO_NAME_BYTES;
    FLO_TRY(flo_allocate(context, (int64_t)bytes, 1, &name));
    snprintf(name, bytes, "%s/log.txt", path);
    flo_status status = flo_directory_append(context, name, message);
    snprintf(name, bytes, "%s/status.json", path);
    const flo_status marked = flo_directory_write_status(context, name, "failed", step,
                                                         message, flo_file_replace);
    flo_free(context, &name);
    return marked != FLO_OK ? marked : status;
}
