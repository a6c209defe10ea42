/* The trailer of a sealed file: written behind the bytes, and verified on reading. */
#include "hdf5/sealed_file.h"

#include "core/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The trailer's fields: magic, image length, checksum of the image, checksum of these
   three. */
enum { LENGTH_AT = 8, IMAGE_SUM_AT = 16, TRAILER_SUM_AT = 24 };
static const unsigned char magic[8] = "FLOSEAL1";

static void put_number(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_number(const unsigned char *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

void flo_seal(void *bytes, size_t size)
{
    unsigned char *const trailer = (unsigned char *)bytes + size;
    memcpy(trailer, magic, sizeof magic);
    put_number(trailer + LENGTH_AT, size);
    put_number(trailer + IMAGE_SUM_AT, flo_checksum(bytes, size));
    put_number(trailer + TRAILER_SUM_AT, flo_checksum(trailer, TRAILER_SUM_AT));
}

flo_status flo_sealed_write(flo_context *context, const char *path, const void *bytes,
                            size_t size)
{
    return flo_file_replace(context, path, bytes, size + FLO_SEAL_BYTES);
}

static flo_status fail_call(flo_context *context, const char *path, const char *call)
{
    return flo_fail(context, FLO_ERROR_FILE, "%s: cannot be read: %s: %s", path, call,
                    strerror(errno));
}

static flo_status read_at(flo_context *context, const char *path, int file,
                          int64_t offset, size_t size, unsigned char *out)
{
    for (size_t done = 0; done < size;) {
        const ssize_t got =
            pread(file, out + done, size - done, (off_t)(offset + (int64_t)done));
        if (got == 0)
            return flo_fail(context, FLO_ERROR_FILE,
                            "%s: became shorter while it was read", path);
        if (got < 0 && errno != EINTR)
            return fail_call(context, path, "read");
        done += got > 0 ? (size_t)got : 0;
    }
    return FLO_OK;
}

/* The size of an open regular file that is long enough for a trailer. */
static flo_status file_size(flo_context *context, const char *path, int file,
                            int64_t *size)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return fail_call(context, path, "fstat");
    if (!S_ISREG(about.st_mode))
        return flo_fail(context, FLO_ERROR_FILE, "%s: not a file; wanted a checkpoint",
                        path);
    *size = (int64_t)about.st_size;
    if (*size < FLO_SEAL_BYTES)
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: damaged: it has %lld bytes, fewer than a seal (%d)", path,
                        (long long)*size, (int)FLO_SEAL_BYTES);
    return FLO_OK;
}

/* Whether the trailer is one, and belongs to a file of `size` bytes. It is looked at
   before the file is read: a foreign file may be of any size. */
static flo_status check_trailer(flo_context *context, const char *path,
                                const unsigned char *trailer, int64_t size)
{
    if (memcmp(trailer, magic, sizeof magic) != 0)
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: its last %d bytes are no seal: it was cut short or "
                        "appended to, or flotilla did not write it",
                        path, (int)FLO_SEAL_BYTES);
    if (get_number(trailer + TRAILER_SUM_AT) != flo_checksum(trailer, TRAILER_SUM_AT))
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: damaged: the checksum of its seal does not match", path);
    const uint64_t length = get_number(trailer + LENGTH_AT);
    if (length != (uint64_t)(size - FLO_SEAL_BYTES))
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: damaged: it holds %lld bytes before its seal, which wants "
                        "%llu",
                        path, (long long)(size - FLO_SEAL_BYTES),
                        (unsigned long long)length);
    return FLO_OK;
}

/* Reads and verifies an open file. */
static flo_status read_open(flo_context *context, const char *path, int file,
                            void **bytes, size_t *size)
{
    unsigned char trailer[FLO_SEAL_BYTES];
    int64_t total = 0;
    FLO_TRY(file_size(context, path, file, &total));
    const int64_t length = total - FLO_SEAL_BYTES;
    FLO_TRY(read_at(context, path, file, length, sizeof trailer, trailer));
    FLO_TRY(check_trailer(context, path, trailer, total));
    FLO_TRY(flo_allocate(context, length, 1, bytes));
    FLO_TRY(read_at(context, path, file, 0, (size_t)length, *bytes));
    const uint64_t found = flo_checksum(*bytes, (size_t)length);
    const uint64_t wanted = get_number(trailer + IMAGE_SUM_AT);
    if (found != wanted)
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: damaged: the checksum of its %lld bytes is %016llx; its "
                        "seal wants %016llx",
                        path, (long long)length, (unsigned long long)found,
                        (unsigned long long)wanted);
    *size = (size_t)length;
    return FLO_OK;
}

flo_status flo_sealed_read(flo_context *context, const char *path, void **bytes,
                           size_t *size)
{
    *bytes = NULL;
    *size = 0;
    /* O_NONBLOCK: a pipe is refused below instead of waited for. */
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return fail_call(context, path, "open");
    const flo_status status = read_open(context, path, file, bytes, size);
    close(file);
    if (status != FLO_OK)
        flo_free(context, bytes);
    return status;
}
