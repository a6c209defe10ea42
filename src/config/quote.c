/* When a YAML scalar needs quotes, and how it is written. */
#include "config/quote.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_among(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

bool flo_scalar_null(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_among(text, nulls);
}

/* A digit after an optional sign and point, then nothing but letters, digits and
   _ . + -: numbers, sizes with units, dates. No such text needs quotes for its syntax.
 */
static bool is_like_a_number(const char *text)
{
    const char *start = text;
    start += *start == '+' || *start == '-';
    start += *start == '.';
    if (!isdigit((unsigned char)*start))
        return false;
    for (; *start; start++)
        if (!isalnum((unsigned char)*start) && !strchr("_.+-", *start))
            return false;
    return true;
}

bool flo_scalar_special(const char *text)
{
    static const char *const words[] = {"true", "false", "yes",  "no",
                                        "on",   "off",   "auto", NULL};
    return flo_scalar_null(text) || is_among(text, words) || is_like_a_number(text);
}

/* Decodes one character of valid UTF-8 (libyaml's output); returns its bytes. */
static size_t decode(const char *text, uint32_t *code)
{
    const unsigned char first = (unsigned char)*text;
    const size_t bytes = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    *code = bytes == 1 ? first : first & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (!text[i])
            return i;
        *code = *code << 6 | ((unsigned char)text[i] & 0x3fu);
    }
    return bytes;
}

/* Characters that YAML takes as line breaks or refuses outside of escapes. */
static bool is_escaped(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
           code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff;
}

static bool starts_plain(const char *text)
{
    if (text[0] == '-') /* a sign, not a list item or a document's end */
        return text[1] && text[1] != ' ' && text[1] != '-';
    return !strchr(" ?:,[]{}#&*!|>'\"%@`", text[0]) && strncmp(text, "...", 3) != 0;
}

static bool is_plain(const char *text)
{
    if (!*text || !starts_plain(text) || text[strlen(text) - 1] == ' ')
        return false;
    for (size_t i = 0; text[i];) {
        uint32_t code;
        const size_t bytes = decode(text + i, &code);
        const char next = text[i + bytes];
        if (is_escaped(code) || (code < 0x80 && strchr(",[]{}?", (int)code)) ||
            (code == ':' && (!next || next == ' ')) || (code == ' ' && next == '#'))
            return false;
        i += bytes;
    }
    return true;
}

static void write_escape(flo_text *text, uint32_t code)
{
    char escape[12];
    const char *const form = code <= 0xff     ? "\\x%02X"
                             : code <= 0xffff ? "\\u%04X"
                                              : "\\U%08X";
    const int length = code == '\n'   ? snprintf(escape, sizeof escape, "\\n")
                       : code == '\t' ? snprintf(escape, sizeof escape, "\\t")
                                      : snprintf(escape, sizeof escape, form, code);
    flo_text_bytes(text, escape, (size_t)length);
}

void flo_scalar_write(flo_text *text, const char *scalar, bool quoted)
{
    if (!quoted && is_plain(scalar)) {
        flo_text_string(text, scalar);
        return;
    }
    flo_text_string(text, "\"");
    while (*scalar) {
        uint32_t code;
        const size_t bytes = decode(scalar, &code);
        if (code == '"' || code == '\\')
            flo_text_string(text, "\\");
        if (is_escaped(code))
            write_escape(text, code);
        else
            flo_text_bytes(text, scalar, bytes);
        scalar += bytes;
    }
    flo_text_string(text, "\"");
}
