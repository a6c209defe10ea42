/* The context: failures recorded, allocations and work counted. */
#include "core/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 1 << 21 };

#define TEXT_ROW(name, text) text,
static const char *const texts[] = {FLO_STATUS_LIST(TEXT_ROW)};
#undef TEXT_ROW

const char *flo_status_text(flo_status status)
{
    return (unsigned)status < FLO_STATUSES ? texts[status] : "unknown status";
}

flo_status flo_context_create(flo_context **context)
{
    *context = calloc(1, sizeof **context);
    if (!*context)
        return FLO_ERROR_MEMORY;
    (*context)->work = &(*context)->own_work;
    return FLO_OK;
}

void flo_context_work_for(flo_context *context, const flo_context *other)
{
    context->work = other->work;
}

int64_t flo_context_destroy(flo_context **context)
{
    if (!*context)
        return 0;
    const int64_t live = (int64_t)atomic_load(&(*context)->live);
    free(*context);
    *context = NULL;
    return live;
}

const char *flo_context_message(const flo_context *context)
{
    return context->message;
}

flo_status flo_fail(flo_context *context, flo_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context->message, sizeof context->message, format, arguments);
    va_end(arguments);
    return status;
}

/* memory_pointer is the address of a pointer of any type; memcpy keeps to C's rules on
   pointer representations. */
static void store(void *memory_pointer, void *memory)
{
    memcpy(memory_pointer, &memory, sizeof memory);
}

static void *stored(const void *memory_pointer)
{
    void *memory;
    memcpy(&memory, memory_pointer, sizeof memory);
    return memory;
}

/* Large arrays lie on huge pages where the system gives them to who asks: a million
   rows of 63 columns start training after 0.5 s in place of 1.4. */
static void *take(size_t bytes)
{
    void *memory;
    if (posix_memalign(&memory, bytes < HUGE_PAGE ? ALIGNMENT : HUGE_PAGE, bytes) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_PAGE)
        madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

flo_status flo_allocate(flo_context *context, int64_t count, size_t size,
                        void *memory_pointer)
{
    store(memory_pointer, NULL);
    const int64_t number = (int64_t)atomic_fetch_add(&context->made, 1) + 1;
    size_t bytes = 0;
    const int overflow =
        count < 0 || (size && (uint64_t)count > (SIZE_MAX - ALIGNMENT) / size);
    if (!overflow)
        bytes = ((size_t)count * size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *memory = overflow || number == context->fail_at ? NULL : take(bytes);
    if (!memory)
        return flo_fail(context, FLO_ERROR_MEMORY,
                        "out of memory: %lld items of %zu bytes were asked for; use "
                        "fewer rows a batch, less data.memory or more ranks",
                        (long long)count, size);
    memset(memory, 0, bytes);
    atomic_fetch_add(&context->live, 1);
    store(memory_pointer, memory);
    return FLO_OK;
}

flo_status flo_resize(flo_context *context, size_t bytes, void *memory_pointer)
{
    void *const before = stored(memory_pointer);
    const int64_t number = (int64_t)atomic_fetch_add(&context->made, 1) + 1;
    void *memory =
        number == context->fail_at ? NULL : realloc(before, bytes ? bytes : 1);
    if (!memory)
        return flo_fail(context, FLO_ERROR_MEMORY,
                        "out of memory: %zu bytes were asked for", bytes);
    if (!before)
        atomic_fetch_add(&context->live, 1);
    store(memory_pointer, memory);
    return FLO_OK;
}

void flo_free(flo_context *context, void *memory_pointer)
{
    void *const memory = stored(memory_pointer);
    if (!memory)
        return;
    free(memory);
    atomic_fetch_sub(&context->live, 1);
    store(memory_pointer, NULL);
}
