/* A table of settings as commented YAML for people to read. */
#include "config/settings_describe.h"
#include "config/text.h"

#include <string.h>

enum { COLUMNS = 100, WIDEST = 28, GAP = 2 };

typedef struct help {
    const flo_settings *table;
    char **comments; /* [rows] */
    size_t indent;
} help;

/* Writes words as a comment from `column` on, in as many lines as they need. */
static void write_comment(flo_text *text, size_t column, const char *words)
{
    if (text->column + GAP > column)
        flo_text_string(text, "\n");
    flo_text_spaces(text, column - text->column);
    flo_text_string(text, "#");
    while (*words) {
        const size_t length = strcspn(words, " ");
        if (text->column + 1 + length > COLUMNS && text->column > column + 1) {
            flo_text_string(text, "\n");
            flo_text_spaces(text, column);
            flo_text_string(text, "#");
        }
        flo_text_string(text, " ");
        flo_text_bytes(text, words, length);
        words += length;
        words += strspn(words, " ");
    }
    flo_text_string(text, "\n");
}

static const char *default_of(const flo_setting *row)
{
    return row->flags & FLO_REQUIRED ? "" : row->fallback ? row->fallback : "null";
}

static size_t width_of(const flo_setting *row)
{
    return strlen(row->name) + 2 + strlen(default_of(row));
}

/* The column of comments: that of the widest row that is not very wide. */
static size_t comment_column(const help *h)
{
    size_t widest = 0;
    for (const flo_setting *row = h->table->rows; row->name; row++)
        if (width_of(row) > widest && width_of(row) <= WIDEST)
            widest = width_of(row);
    return h->indent + 2 + widest + GAP;
}

static void write_row(flo_text *text, const help *h, const flo_setting *row,
                      const char *comment)
{
    flo_text_spaces(text, h->indent + 2);
    flo_text_string(text, row->name);
    flo_text_string(text, *default_of(row) ? ": " : ":");
    flo_text_string(text, default_of(row));
    write_comment(text, comment_column(h), comment);
}

static void write_table(flo_text *text, const void *what)
{
    const help *const h = what;
    flo_text_spaces(text, h->indent);
    flo_text_string(text, h->table->name);
    flo_text_string(text, ":");
    write_comment(text, text->column + GAP, h->table->help);
    for (int64_t i = 0; h->table->rows[i].name; i++)
        write_row(text, h, &h->table->rows[i], h->comments[i]);
}

static flo_status make_comment(flo_arena *arena, const flo_setting *row, char **comment)
{
    char *range;
    FLO_TRY(flo_setting_range(arena, row, &range));
    return flo_arena_print(arena, comment, "%s%s%s%s",
                           row->flags & FLO_REQUIRED ? "required: " : "", row->help,
                           *range ? "; " : "", range);
}

flo_status flo_settings_help(flo_arena *arena, const flo_settings *table, int indent,
                             char **text)
{
    int64_t rows = 0;
    while (table->rows[rows].name)
        rows++;
    help h = {.table = table, .indent = (size_t)indent};
    FLO_TRY(flo_arena_take(arena, rows, sizeof *h.comments, &h.comments));
    for (int64_t i = 0; i < rows; i++)
        FLO_TRY(make_comment(arena, &table->rows[i], &h.comments[i]));
    return flo_text_make(arena, write_table, &h, text);
}
