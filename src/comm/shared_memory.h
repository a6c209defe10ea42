/* Memory that the ranks of a host share (comm/hosts.h). */
#ifndef FLO_COMM_SHARED_MEMORY_H
#define FLO_COMM_SHARED_MEMORY_H

#include "comm/comm.h"

typedef struct flo_shared_memory flo_shared_memory;

/* Makes `bytes` zeroed bytes for each host, the same number on all ranks of a host,
   aligned to 64 bytes; plain memory of its own where a rank is alone on its host. It
   has no name in any file system, and is gone with the last rank, however that ends.
   Collective. FLO_ERROR_MEMORY, FLO_ERROR_FILE (the ranks cannot open each other's
   memory); agreed. */
FLO_MUST_USE flo_status flo_shared_memory_create(flo_comm *comm, flo_context *context,
                                                 int64_t bytes,
                                                 flo_shared_memory **memory);
void flo_shared_memory_destroy(flo_shared_memory **memory);

/* The memory; the same on all ranks of a host, at addresses that may differ. Borrowed.
   Local. */
void *flo_shared_memory_at(const flo_shared_memory *memory);

/* Takes [first, first + bytes) from the system, close to the calling thread: what was
   not claimed is taken when it is first written, and where there is none left then the
   process ends by a signal. Once for each part, by the rank that mostly writes it.
   Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_shared_memory_claim(flo_shared_memory *memory,
                                                int64_t first, int64_t bytes);

/* Gives bytes [size], which rank 0 alone has, to every host, in new memory of that
   size. Collective. Errors as of flo_shared_memory_create. */
FLO_MUST_USE flo_status flo_shared_memory_copy(flo_comm *comm, flo_context *context,
                                               const void *bytes, int64_t size,
                                               flo_shared_memory **memory);

#endif
