/* The text of one scalar as a boolean, an integer, a number, a count of bytes; and
 * back.
 */
#include "config/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 200 };

typedef struct unit {
    const char *name;
    int64_t bytes;
} unit;

/* Largest first: printing takes the first that divides. */
static const unit units[] = {
    {"TB", 1000000000000}, {"GB", 1000000000}, {"MB", 1000000},
    {"kB", 1000},          {"TiB", 1ll << 40}, {"GiB", 1 << 30},
    {"MiB", 1 << 20},      {"KiB", 1 << 10},   {"B", 1},
};

bool flo_scalar_boolean(const char *text, bool *value)
{
    const bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return false;
    *value = is_true;
    return true;
}

static const char *copy_digits(const char *text, char **copy)
{
    while (isdigit((unsigned char)*text) ||
           (*text == '_' && isdigit((unsigned char)text[-1]) &&
            isdigit((unsigned char)text[1]))) {
        if (*text != '_')
            *(*copy)++ = *text;
        text++;
    }
    return text;
}

/* Copies a number without its underscores to `copy` [LONGEST + 1]; returns what follows
   it, NULL where there is no number. *whole: digits only. */
static const char *take_number(const char *text, char *copy, bool *whole)
{
    if (strlen(text) > LONGEST)
        return NULL;
    if (*text == '+' || *text == '-')
        *copy++ = *text++;
    const char *const digits = copy;
    if (isdigit((unsigned char)*text))
        text = copy_digits(text, &copy);
    *whole = *text != '.';
    if (*text == '.') {
        *copy++ = *text++;
        if (isdigit((unsigned char)*text))
            text = copy_digits(text, &copy);
    }
    if (copy == digits || (copy == digits + 1 && *digits == '.'))
        return NULL;
    const bool has_sign = (*text | 0x20) == 'e' && (text[1] == '+' || text[1] == '-');
    if ((*text | 0x20) == 'e' && isdigit((unsigned char)text[1 + has_sign])) {
        *whole = false;
        memcpy(copy, text, 1u + has_sign);
        copy += 1 + has_sign;
        text = copy_digits(text + 1 + has_sign, &copy);
    }
    *copy = '\0';
    return text;
}

/* strtod in the C locale, where the point is a point; glibc allocates nothing for it.
 */
static double to_number(const char *text)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const double value = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);
    if (plain)
        freelocale(plain);
    return value;
}

/* A double that is a whole number and an exact one. */
static bool to_whole(double number, int64_t *value)
{
    const double exact = 9007199254740992.0; /* 2^53 */
    if (!(fabs(number) <= exact) || number != floor(number))
        return false;
    *value = (int64_t)number;
    return true;
}

bool flo_scalar_number(const char *text, double *value)
{
    char copy[LONGEST + 1];
    bool whole;
    const char *const rest = take_number(text, copy, &whole);
    if (!rest || *rest)
        return false;
    const double number = to_number(copy);
    if (!isfinite(number))
        return false;
    *value = number;
    return true;
}

bool flo_scalar_integer(const char *text, int64_t *value)
{
    char copy[LONGEST + 1];
    bool whole;
    const char *const rest = take_number(text, copy, &whole);
    if (!rest || *rest)
        return false;
    if (!whole)
        return to_whole(to_number(copy), value);
    errno = 0;
    const long long number = strtoll(copy, NULL, 10);
    if (errno || number == INT64_MIN)
        return false;
    *value = number;
    return true;
}

bool flo_scalar_bytes(const char *text, int64_t *value)
{
    char copy[LONGEST + 1];
    bool whole;
    const char *rest = take_number(text, copy, &whole);
    if (!rest || *copy == '-')
        return false;
    while (*rest == ' ')
        rest++;
    int64_t bytes = *rest ? 0 : 1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(rest, units[i].name) == 0)
            bytes = units[i].bytes;
    int64_t count;
    if (!flo_scalar_integer(copy, &count))
        return bytes && to_whole(to_number(copy) * (double)bytes, value);
    if (!bytes || count > INT64_MAX / bytes)
        return false;
    *value = count * bytes;
    return true;
}

/* 1e+09 and 1e-05 become 1e9 and 1e-5. */
static void shorten_exponent(char *text)
{
    char *to = strchr(text, 'e');
    if (!to)
        return;
    const char *from = ++to;
    if (*from == '-')
        to++;
    from++;
    while (*from == '0')
        from++;
    memmove(to, from, strlen(from) + 1);
}

void flo_scalar_print_number(double value, char *text)
{
    if (value == floor(value) && fabs(value) < 1e6) {
        snprintf(text, FLO_SCALAR_BYTES, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, FLO_SCALAR_BYTES, "%.*g", digits, value);
        char *const comma = strchr(text, ','); /* the point of other locales */
        if (comma)
            *comma = '.';
        if (to_number(text) == value)
            break;
    }
    shorten_exponent(text);
}

void flo_scalar_print_bytes(double value, char *text)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const double count = value / (double)units[i].bytes;
        if (units[i].bytes == 1 || count < 1 || count != floor(count) || count >= 1e6)
            continue;
        snprintf(text, FLO_SCALAR_BYTES, "%.0f%s", count, units[i].name);
        return;
    }
    flo_scalar_print_number(value, text);
}
