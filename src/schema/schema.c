/* What a schema says of its columns, in words. */
#include "schema/schema.h"

#include <stdio.h>
#include <string.h>

const char *flo_schema_label(const flo_schema_column *column, char *text)
{
    if (column->name)
        return column->name;
    snprintf(text, FLO_SCHEMA_LABEL_BYTES, "%lld", (long long)column->index);
    return text;
}

bool flo_schema_is_named(const flo_schema_table *table)
{
    for (int64_t j = 0; j < table->count; ++j)
        if (!table->column[j].name)
            return false;
    return table->count > 0;
}

bool flo_schema_is_whole(const flo_schema_table *table)
{
    for (int64_t j = 0; j < table->count; ++j)
        if (table->column[j].index != j)
            return false;
    return table->count == table->width;
}

void flo_schema_list(const flo_schema_table *table, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int64_t j = 0; j < table->count; ++j) {
        char digits[FLO_SCHEMA_LABEL_BYTES];
        const char *const label = flo_schema_label(&table->column[j], digits);
        if (used + strlen(label) + 34 > bytes) { /* room for the words that say so */
            snprintf(text + used, bytes - used, " and %lld more",
                     (long long)(table->count - j));
            return;
        }
        used +=
            (size_t)snprintf(text + used, bytes - used, "%s%s", j ? ", " : "", label);
    }
}
