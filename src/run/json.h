/* Text as a JSON string. */
#ifndef FLO_RUN_JSON_H
#define FLO_RUN_JSON_H

#include <stddef.h>

/* The room that any text of `length` bytes needs as a JSON string. */
#define FLO_JSON_BYTES(length) (6 * (length) + 3)

/* Writes text as a JSON string, quotes included, into out [size] (size >= 3). Bytes
   that are no UTF-8 become U+FFFD; what does not fit is left off, between characters.
   Returns out. Pure. Local. */
const char *flo_json_quote(const char *text, char *out, size_t size);

#endif
