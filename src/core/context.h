/* What a context holds, and the two things done to it: fail, allocate. */
#ifndef FLO_CORE_CONTEXT_H
#define FLO_CORE_CONTEXT_H

#include "flotilla/context.h"
#include "flotilla/real.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { FLO_MESSAGE_BYTES = 4096 };

struct flo_context {
    char message[FLO_MESSAGE_BYTES]; /* of the last failure */
    atomic_int_fast64_t live;        /* allocations not yet freed */
    atomic_int_fast64_t made;        /* allocations ever made */
    int64_t
        fail_at; /* tests: the allocation with this number (from 1) fails; 0: none */
    atomic_uint_fast64_t own_work;
    atomic_uint_fast64_t *work; /* own_work, or that of another context */
};

/* Records the message of a failure (printf format, no newline at the end) and returns
   `status`, so that a function can write `return flo_fail(...)`. Who detects a failure
   calls this once; callers only pass the status on. Not for concurrent threads: a
   thread has a context of its own or reports a value. Local. */
flo_status flo_fail(flo_context *context, flo_status status, const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 3, 4));

/* Allocates count * size bytes, zeroed and aligned to 64 bytes; *memory is NULL after a
   failure. count 0 gives a valid pointer. Thread-safe apart from the message. Local.
   FLO_ERROR_MEMORY, with a message. */
FLO_MUST_USE flo_status flo_allocate(flo_context *context, int64_t count, size_t size,
                                     void *memory_pointer);

/* Another size for what flo_allocate gave, or for NULL: `bytes`, of which those that
   were there keep their values and later ones are any; at any address, aligned as by
   malloc. After a failure *memory is as before. Local. FLO_ERROR_MEMORY, with a
   message. */
FLO_MUST_USE flo_status flo_resize(flo_context *context, size_t bytes,
                                   void *memory_pointer);

/* Frees what flo_allocate gave: takes the address of the pointer, accepts a pointer to
   NULL, sets it to NULL. Thread-safe. Local. */
void flo_free(flo_context *context, void *memory_pointer);

/* Counts a piece of work, far below a second's: rows read, a tile computed. Whoever
   looks at the count from outside sees that a long computation goes on. Thread-safe.
   Local. */
static inline void flo_worked(const flo_context *context)
{
    atomic_fetch_add_explicit(context->work, 1, memory_order_relaxed);
}

static inline uint64_t flo_work_done(const flo_context *context)
{
    return (uint64_t)atomic_load_explicit(context->work, memory_order_relaxed);
}

/* Lets `context`, a thread's own, count its work in that of `other`, which outlives it.
   Local. */
void flo_context_work_for(flo_context *context, const flo_context *other);

#endif
