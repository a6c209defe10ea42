/* The context: the last error message and the count of our own allocations. It travels
   instead of globals: every object remembers the context that made it. */
#ifndef FLOTILLA_CONTEXT_H
#define FLOTILLA_CONTEXT_H

#include "flotilla/status.h"

#include <stdint.h>

typedef struct flo_context flo_context;

/* Creates a context. The caller owns it and destroys it last. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_context_create(flo_context **context);

/* Destroys a context; NULL is allowed; sets the pointer to NULL. Returns the number of
   our allocations that were never freed: 0 in a correct program. Local. */
int64_t flo_context_destroy(flo_context **context);

/* The message of the last failure: what, where, found, wanted, what to do; "" if there
   was none. Borrowed, valid until the next failure. Local. */
const char *flo_context_message(const flo_context *context);

#endif
