/* libFuzzer: any bytes as a checkpoint file, and sealed bytes that were changed.

   The first byte says which: even, the rest is the file; odd, the rest is sealed first
   and one byte of the file is changed then. A file is accepted only where it is, to the
   bit, what was sealed. */
#include "hdf5/sealed_file.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the bytes as a file of their own. Returns whether it was accepted. */
static bool read_file(const void *bytes, size_t size, const void *sealed,
                      size_t sealed_size)
{
    flo_context *context;
    void *found;
    size_t found_size;
    char path[64];
    const int file = memfd_create("checkpoint", 0);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size ||
        flo_context_create(&context) != FLO_OK)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const flo_status status = flo_sealed_read(context, path, &found, &found_size);
    assert(status == FLO_OK || (!found && flo_context_message(context)[0]));
    if (status == FLO_OK && sealed)
        assert(found_size == sealed_size && !memcmp(found, sealed, sealed_size));
    flo_free(context, &found);
    close(file);
    if (flo_context_destroy(&context) != 0)
        abort();
    return status == FLO_OK;
}

/* data: two bytes of where, one of how, and what is sealed. */
static void change_sealed(const uint8_t *data, size_t size)
{
    if (size < 3)
        return;
    const size_t length = size - 3, total = length + FLO_SEAL_BYTES;
    uint8_t *const file = malloc(total);
    memcpy(file, data + 3, length);
    flo_seal(file, length);
    file[(data[0] + 256u * data[1]) % total] ^= data[2];
    const bool accepted = read_file(file, total, data + 3, length);
    assert(accepted == (data[2] == 0));
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] % 2)
        change_sealed(data + 1, size - 1);
    else if (size > 0)
        read_file(data + 1, size - 1, NULL, 0);
    return 0;
}
