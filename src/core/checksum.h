/* The 64-bit XXH3 checksum of bytes, whole or in pieces. */
#ifndef FLO_CORE_CHECKSUM_H
#define FLO_CORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* XXH3-64 of bytes [size] (https://xxhash.com). Pure. Local. */
uint64_t flo_checksum(const void *bytes, size_t size);

#endif
