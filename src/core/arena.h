/* An arena: many allocations with one lifetime, freed at once. */
#ifndef FLO_CORE_ARENA_H
#define FLO_CORE_ARENA_H

#include "core/context.h"

typedef struct flo_arena flo_arena;

/* Creates an empty arena that grows by blocks as needed. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_arena_create(flo_context *context, flo_arena **arena);

/* Frees the arena and everything taken from it; NULL is allowed; sets NULL. Local. */
void flo_arena_destroy(flo_arena **arena);

/* Takes count * size bytes, zeroed and aligned to 64 bytes, that live as long as the
   arena. *memory is set through the pointer's address. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_arena_take(flo_arena *arena, int64_t count, size_t size,
                                       void *memory_pointer);

/* A copy of a string, or one printed by a format. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_arena_string(flo_arena *arena, const char *text,
                                         char **copy);
FLO_MUST_USE flo_status flo_arena_print(flo_arena *arena, char **text,
                                        const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 3, 4));

/* Bytes taken so far. Local. */
size_t flo_arena_bytes(const flo_arena *arena);

/* The context that the arena was made with. Borrowed. Local. */
flo_context *flo_arena_context(const flo_arena *arena);

#endif
