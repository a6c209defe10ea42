/* The checksum, by libxxhash. */
#include "core/checksum.h"

#include <xxhash.h>

uint64_t flo_checksum(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}
