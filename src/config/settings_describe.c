/* A setting in words: what it may be. */
#include "config/settings_describe.h"

#include "config/quote.h"
#include "config/scalar.h"
#include "config/text.h"

#include <float.h>
#include <string.h>

typedef struct words {
    const char *error; /* in an error, before the range or choices */
    const char *help;  /* in the help, alone or before them */
} words;

static const words type_words[] = {
    [FLO_BOOLEAN] = {"true or false", "true or false"},
    [FLO_INTEGER] = {"an integer", ""},
    [FLO_NUMBER] = {"a number", ""},
    [FLO_TEXT] = {"a text", ""},
    [FLO_CHOICE] = {"one of ", "one of "},
    [FLO_BYTES] = {"bytes (like 4096, 64kB, 2GB or 1GiB)", ""},
    [FLO_INTEGERS] = {"a list of integers, each", "a list, each"},
    [FLO_TEXTS] = {"a text or a list of texts", "a text or a list"},
    [FLO_NODE] = {"a value", ""},
};

bool flo_setting_allows_null(const flo_setting *row)
{
    return row->flags & FLO_NULL_VALUE ||
           (!(row->flags & FLO_REQUIRED) &&
            (!row->fallback || flo_scalar_null(row->fallback)));
}

static bool is_low(const flo_setting *row)
{
    return (row->low != 0 || row->high != 0) && row->low > -9.2e18;
}

/* The ends of int64_t and double are no limits worth saying. */
static bool is_high(const flo_setting *row)
{
    return (row->low != 0 || row->high != 0) && row->high < 9.2e18;
}

static void write_end(flo_text *text, const flo_setting *row, double end)
{
    char number[FLO_SCALAR_BYTES];
    if (row->type == FLO_BYTES)
        flo_scalar_print_bytes(end, number);
    else
        flo_scalar_print_number(end, number);
    flo_text_string(text, number);
}

static void write_limits(flo_text *text, const flo_setting *row, const char *from)
{
    const bool above = row->low > 0 && row->low <= DBL_MIN;
    const bool low = is_low(row) && !above, high = is_high(row);
    if (low) {
        flo_text_string(text, high ? from : "at least ");
        write_end(text, row, row->low);
    }
    flo_text_string(text, above && high ? "above 0 and " : above ? "above 0" : "");
    if (high) {
        flo_text_string(text, low ? " to " : "at most ");
        write_end(text, row, row->high);
    }
}

static void write_choices(flo_text *text, const char *choices)
{
    for (; *choices; choices++)
        if (*choices == '|')
            flo_text_string(text, ", ");
        else
            flo_text_bytes(text, choices, 1);
}

static void write_extras(flo_text *text, const flo_setting *row)
{
    const size_t start = text->length;
    const bool is_auto = row->flags & FLO_AUTO_VALUE;
    const bool is_null = flo_setting_allows_null(row) && row->type != FLO_BOOLEAN &&
                         row->type != FLO_CHOICE;
    const char *const joint = start ? ", or " : "or ";
    if (is_auto && is_null)
        flo_text_string(text, start ? ", auto or null" : "auto or null");
    else if (is_auto || is_null) {
        flo_text_string(text, joint);
        flo_text_string(text, is_auto ? "auto" : "null");
    }
}

static bool is_limited(const flo_setting *row)
{
    const bool is_numeric = row->type == FLO_INTEGER || row->type == FLO_NUMBER ||
                            row->type == FLO_BYTES || row->type == FLO_INTEGERS;
    return is_numeric && (is_low(row) || is_high(row));
}

/* "a list of integers, each" with no range after it loses its last word. */
static void write_type(flo_text *text, const flo_setting *row, const char *type)
{
    const char *const each = strstr(type, ", each");
    const bool cut = each && !is_limited(row);
    flo_text_bytes(text, type, cut ? (size_t)(each - type) : strlen(type));
    if (is_limited(row) && *type)
        flo_text_string(text, " ");
}

static void write_words(flo_text *text, const flo_setting *row, const char *type,
                        const char *from)
{
    write_type(text, row, type);
    if (is_limited(row))
        write_limits(text, row, from);
    if (row->type == FLO_CHOICE)
        write_choices(text, row->choices);
    write_extras(text, row);
}

static void write_wanted(flo_text *text, const void *what)
{
    const flo_setting *const row = what;
    write_words(text, row, type_words[row->type].error, "from ");
}

static void write_range(flo_text *text, const void *what)
{
    const flo_setting *const row = what;
    write_words(text, row, type_words[row->type].help, "");
}

flo_status flo_setting_wanted(flo_arena *arena, const flo_setting *row, char **text)
{
    return flo_text_make(arena, write_wanted, row, text);
}

flo_status flo_setting_range(flo_arena *arena, const flo_setting *row, char **text)
{
    return flo_text_make(arena, write_range, row, text);
}
