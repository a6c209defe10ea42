/* Text as a JSON string: escapes, and always valid UTF-8. */
#include "run/json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The bytes of the UTF-8 character at s, 1 to 4; 0 if there is none (RFC 3629: no
   overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t character_bytes(const unsigned char *s)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80)
        return 1;
    const size_t bytes = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 0;
    if (!bytes || s[0] > 0xf4)
        return 0;
    uint32_t code = s[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    const int surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[bytes] || code > 0x10ffff || surrogate ? 0 : bytes;
}

/* The JSON form of the character at s into form [8]; returns the bytes it came from. */
static size_t write_character(const unsigned char *s, char *form)
{
    static const char plain[] = "\"\\\n\t\r", letters[] = "\"\\ntr";
    const size_t bytes = character_bytes(s);
    const char *const short_form = strchr(plain, s[0]);
    if (!bytes)
        snprintf(form, 8, "\\ufffd");
    else if (short_form)
        snprintf(form, 8, "\\%c", letters[short_form - plain]);
    else if (s[0] < 0x20 || s[0] == 0x7f)
        snprintf(form, 8, "\\u%04x", s[0]);
    else
        snprintf(form, 8, "%.*s", (int)bytes, (const char *)s);
    return bytes ? bytes : 1;
}

const char *flo_json_quote(const char *text, char *out, size_t size)
{
    size_t used = 0;
    out[used++] = '"';
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        char form[8];
        s += write_character(s, form);
        const size_t length = strlen(form);
        if (used + length + 2 > size)
            break;
        memcpy(out + used, form, length);
        used += length;
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}
