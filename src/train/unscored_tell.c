/* Rows without a finite log-density, told to people and to programs. */
#include "train/unscored.h"

#include "data/rows_place.h"
#include "run/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024 };

/* Adds to text what fits. */
static void add(char *text, size_t size, const char *format, ...)
    FLO_ATTRIBUTE(format(printf, 3, 4));

static void add(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

/* Adds a number by the fewest digits that are read as it again. */
static void add_number(char *text, size_t size, double value)
{
    char digits[40];
    for (int n = 6; n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, value);
        if ((flo_real)strtod(digits, NULL) == (flo_real)value)
            break;
    }
    add(text, size, "%s", isnan(value) ? "nan" : digits);
}

static void tell_count(int64_t count, const char *what, char *text, size_t size)
{
    if (count)
        add(text, size, "%snote: %lld row%s %s", *text ? "\n" : "", (long long)count,
            count > 1 ? "s" : "", what);
}

void flo_unscored_tell(const flo_unscored *u, const flo_rows *rows, char *text,
                       size_t size)
{
    char where[FLO_MESSAGE_BYTES / 2];
    *text = '\0';
    tell_count(u->zero,
               "with probability zero under the model: log-density -inf, below all "
               "others",
               text, size);
    tell_count(u->missing, "with missing values or unknown categories: log-density NaN",
               text, size);
    tell_count(u->lost, "without a log-density (NaN)", text, size);
    for (int64_t i = 0; i < u->listed; i++) {
        const flo_unscored_row *const r = &u->list[i];
        flo_rows_locate(rows, r->row, r->of_context, r->column < 0 ? 0 : r->column,
                        where, sizeof where);
        if (r->column < 0 && strstr(where, ", column "))
            *strstr(where, ", column ") = '\0';
        add(text, size, "\n  %s: ", where);
        if (r->column >= 0) {
            add(text, size, "found ");
            add_number(text, size, r->value);
        }
        add(text, size, "%s%s", r->column >= 0 ? "; " : "", r->reason);
    }
}

static void add_quoted(char *text, size_t size, const char *key, const char *value)
{
    char quoted[PATH_BYTES];
    add(text, size, ", \"%s\": %s", key, flo_json_quote(value, quoted, sizeof quoted));
}

static void add_row(const flo_unscored_row *r, const flo_rows *rows, char *text,
                    size_t size)
{
    int64_t row;
    const char *const file = flo_rows_file_row(rows, r->row, &row);
    add(text, size, "{\"row\": %lld", (long long)row);
    add_quoted(text, size, "file", file);
    if (r->column >= 0) {
        const char *name;
        add(text, size, ", \"column\": %lld",
            (long long)flo_rows_column(rows, r->of_context, r->column, &name));
        if (name)
            add_quoted(text, size, "name", name);
        if (isfinite(r->value)) {
            add(text, size, ", \"value\": ");
            add_number(text, size, r->value);
        } else
            add_quoted(text, size, "value", isnan(r->value) ? "nan" : "inf");
    }
    add_quoted(text, size, "log_prob", isnan(r->log_prob) ? "nan" : "-inf");
    add_quoted(text, size, "reason", r->reason);
    add(text, size, "}");
}

void flo_unscored_json(const flo_unscored *u, const flo_rows *rows, char *text,
                       size_t size)
{
    *text = '\0';
    add(text, size,
        ", \"zero_probability_rows\": %lld, \"missing_rows\": %lld, "
        "\"uncomputed_rows\": %lld, \"unscored\": [",
        (long long)u->zero, (long long)u->missing, (long long)u->lost);
    for (int64_t i = 0; i < u->listed; i++) {
        add(text, size, "%s", i ? ", " : "");
        add_row(&u->list[i], rows, text, size);
    }
    add(text, size, "]");
}
