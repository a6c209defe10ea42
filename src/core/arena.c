/* An arena of growing blocks, newest first. */
#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ALIGNMENT = 64, BLOCK_BYTES = 1 << 16 };

typedef struct block {
    struct block *older;
    unsigned char *memory; /* [bytes] */
    size_t bytes, used;
} block;

struct flo_arena {
    flo_context *context; /* borrowed */
    block *newest;
    size_t taken;
};

flo_status flo_arena_create(flo_context *context, flo_arena **arena)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **arena, arena));
    (*arena)->context = context;
    return FLO_OK;
}

void flo_arena_destroy(flo_arena **arena)
{
    if (!*arena)
        return;
    flo_context *const context = (*arena)->context;
    for (block *b = (*arena)->newest; b;) {
        block *const older = b->older;
        flo_free(context, &b->memory);
        flo_free(context, &b);
        b = older;
    }
    flo_free(context, arena);
}

static flo_status add_block(flo_arena *arena, size_t bytes)
{
    block *b;
    FLO_TRY(flo_allocate(arena->context, 1, sizeof *b, &b));
    const flo_status status =
        flo_allocate(arena->context, (int64_t)bytes, 1, &b->memory);
    if (status != FLO_OK) {
        flo_free(arena->context, &b);
        return status;
    }
    b->bytes = bytes;
    b->older = arena->newest;
    arena->newest = b;
    return FLO_OK;
}

flo_status flo_arena_take(flo_arena *arena, int64_t count, size_t size,
                          void *memory_pointer)
{
    void *memory = NULL;
    memcpy(memory_pointer, &memory, sizeof memory);
    if (count < 0 || (size && (uint64_t)count > (SIZE_MAX / 2) / size))
        return flo_fail(arena->context, FLO_ERROR_MEMORY,
                        "out of memory: %lld items of %zu bytes were asked for",
                        (long long)count, size);
    const size_t bytes = ((size_t)count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *b = arena->newest;
    if (!b || b->bytes - b->used < bytes) {
        FLO_TRY(add_block(arena, bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES));
        b = arena->newest;
    }
    memory = b->memory + b->used;
    b->used += bytes;
    arena->taken += bytes;
    memcpy(memory_pointer, &memory, sizeof memory);
    return FLO_OK;
}

flo_status flo_arena_string(flo_arena *arena, const char *text, char **copy)
{
    const size_t bytes = strlen(text) + 1;
    FLO_TRY(flo_arena_take(arena, (int64_t)bytes, 1, copy));
    memcpy(*copy, text, bytes);
    return FLO_OK;
}

flo_status flo_arena_print(flo_arena *arena, char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    FLO_TRY(flo_arena_take(arena, (int64_t)length + 1, 1, text));
    va_start(arguments, format);
    vsnprintf(*text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return FLO_OK;
}

size_t flo_arena_bytes(const flo_arena *arena)
{
    return arena->taken;
}

flo_context *flo_arena_context(const flo_arena *arena)
{
    return arena->context;
}
