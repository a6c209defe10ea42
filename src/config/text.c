/* Text built in two passes of one writer: the first counts, the second fills. */
#include "config/text.h"

#include <string.h>

void flo_text_bytes(flo_text *text, const char *bytes, size_t count)
{
    if (text->bytes)
        memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
    const char *const newline = memrchr(bytes, '\n', count);
    text->column =
        newline ? (size_t)(bytes + count - newline) - 1 : text->column + count;
}

void flo_text_string(flo_text *text, const char *string)
{
    flo_text_bytes(text, string, strlen(string));
}

void flo_text_spaces(flo_text *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        flo_text_bytes(text, " ", 1);
}

flo_status flo_text_make(flo_arena *arena,
                         void (*write)(flo_text *text, const void *what),
                         const void *what, char **made)
{
    flo_text text = {0};
    write(&text, what);
    FLO_TRY(flo_arena_take(arena, (int64_t)text.length + 1, 1, made));
    text = (flo_text){.bytes = *made};
    write(&text, what);
    return FLO_OK;
}
