/* A file replaced by bytes in memory at once, durably or not. */
#include "hdf5/replacement.h"
#include "hdf5/sealed_file.h"

#include <fcntl.h>

static flo_status write_all(flo_replacement *r, const void *bytes, size_t size,
                            flo_status (*commit)(flo_replacement *))
{
    FLO_TRY(flo_replacement_open(r, O_WRONLY | O_CREAT | O_TRUNC));
    FLO_TRY(flo_replacement_write(r, bytes, size, 0));
    return commit(r);
}

static flo_status replace(flo_context *context, const char *path, const void *bytes,
                          size_t size, flo_status (*commit)(flo_replacement *))
{
    flo_replacement r;
    flo_status status = flo_replacement_begin(context, path, size, &r);
    if (status == FLO_OK)
        status = write_all(&r, bytes, size, commit);
    flo_replacement_end(&r);
    return status;
}

flo_status flo_file_replace(flo_context *context, const char *path, const void *bytes,
                            size_t size)
{
    return replace(context, path, bytes, size, flo_replacement_commit);
}

flo_status flo_file_replace_quickly(flo_context *context, const char *path,
                                    const void *bytes, size_t size)
{
    return replace(context, path, bytes, size, flo_replacement_commit_quickly);
}
