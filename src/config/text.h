/* Text built in two passes of one writer: the first counts, the second fills. */
#ifndef FLO_CONFIG_TEXT_H
#define FLO_CONFIG_TEXT_H

#include "core/arena.h"

/* The text so far. Where `bytes` is NULL everything is only counted, so writing cannot
   fail and a writer can measure by writing. */
typedef struct flo_text {
    char *bytes;
    size_t length;
    size_t column; /* bytes since the last newline */
} flo_text;

/* Adds bytes [count]; a string; `count` spaces. Local. */
void flo_text_bytes(flo_text *text, const char *bytes, size_t count);
void flo_text_string(flo_text *text, const char *string);
void flo_text_spaces(flo_text *text, size_t count);

/* Runs `write` twice, to measure and to fill, and gives the text in the arena. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_text_make(flo_arena *arena,
                                      void (*write)(flo_text *text, const void *what),
                                      const void *what, char **made);

#endif
