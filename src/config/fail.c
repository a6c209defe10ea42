/* Config errors in their one format: FILE:LINE: PATH: found FOUND, wanted WANTED. */
#include "config/fail.h"

#include "config/settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 300, FOUND_BYTES = 60, WANTED_BYTES = 1500 };

/* Copies text as one printable line, cut to `bytes` with dots, characters kept whole.
 */
static void make_printable(char *to, size_t bytes, const char *text)
{
    const size_t length = strlen(text);
    size_t keep = length < bytes ? length : bytes - 4;
    while (keep < length && keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80)
        keep--;
    for (size_t i = 0; i < keep; i++)
        to[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    strcpy(to + keep, keep < length ? "..." : "");
}

static flo_status fail_at(flo_arena *arena, const flo_node *node, const char *found,
                          const char *wanted, va_list arguments)
{
    char *whole;
    FLO_TRY(flo_node_path(arena, node, &whole));
    char path[PATH_BYTES], line[16] = "", text[WANTED_BYTES];
    make_printable(path, sizeof path, *whole ? whole : "top level");
    if (node->line > 0)
        snprintf(line, sizeof line, ":%d", node->line);
    vsnprintf(text, sizeof text, wanted, arguments);
    return flo_fail(flo_arena_context(arena), FLO_ERROR_CONFIG,
                    "%s%s: %s: found %s, wanted %s", node->file, line, path, found,
                    text);
}

flo_status flo_config_fail(flo_arena *arena, const flo_node *node, const char *found,
                           const char *wanted, ...)
{
    va_list arguments;
    va_start(arguments, wanted);
    const flo_status status = fail_at(arena, node, found, wanted, arguments);
    va_end(arguments);
    return status;
}

static void describe(const flo_node *node, char *found, size_t bytes)
{
    if (node->kind == FLO_NODE_SCALAR) {
        char text[FOUND_BYTES];
        make_printable(text, sizeof text, node->text);
        if (flo_node_is_null(node))
            snprintf(found, bytes, "null");
        else
            snprintf(found, bytes, node->quoted ? "the text \"%s\"" : "\"%s\"", text);
        return;
    }
    const bool is_list = node->kind == FLO_NODE_LIST;
    if (node->count == 0)
        snprintf(found, bytes, "an empty %s", is_list ? "list" : "map");
    else
        snprintf(found, bytes, "a %s of %" PRId64, is_list ? "list" : "map",
                 node->count);
}

flo_status flo_settings_fail(flo_arena *arena, const flo_node *node, const char *wanted,
                             ...)
{
    char found[FOUND_BYTES + 20];
    describe(node, found, sizeof found);
    va_list arguments;
    va_start(arguments, wanted);
    const flo_status status = fail_at(arena, node, found, wanted, arguments);
    va_end(arguments);
    return status;
}

flo_status flo_nearest_text(flo_arena *arena, const flo_nearest *nearest, char **text)
{
    if (!nearest->name)
        return flo_arena_string(arena, "", text);
    return flo_arena_print(arena, text, "; did you mean %.*s?", (int)nearest->length,
                           nearest->name);
}

flo_status flo_config_fail_unknown(flo_arena *arena, const flo_node *node,
                                   const char *whose, const flo_nearest *nearest)
{
    char *mean;
    FLO_TRY(flo_nearest_text(arena, nearest, &mean));
    return flo_config_fail(arena, node, "an unknown key",
                           "one of %s%s (flotilla config lists them all)", whose, mean);
}
