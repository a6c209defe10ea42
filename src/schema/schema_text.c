/* A schema as YAML: written by hand, as its lists are long and of one form; read back
   through the tree of the config. */
#include "schema/schema.h"

#include "config/quote.h"
#include "config/scalar.h"
#include "config/yaml.h"

#include <stdio.h>
#include <string.h>

static void put_text(flo_text *text, const char *key, const char *value)
{
    flo_text_string(text, key);
    flo_text_string(text, ": ");
    flo_scalar_write(text, value, !*value || flo_scalar_special(value));
}

static void put_integer(flo_text *text, const char *key, int64_t value)
{
    char digits[FLO_SCALAR_BYTES];
    snprintf(digits, sizeof digits, "%s: %lld", key, (long long)value);
    flo_text_string(text, digits);
}

static void put_column(flo_text *text, const flo_schema_column *column)
{
    flo_text_string(text, "    - {");
    put_integer(text, "index", column->index);
    if (column->name) {
        flo_text_string(text, ", ");
        put_text(text, "name", column->name);
    }
    if (*column->type) {
        flo_text_string(text, ", ");
        put_text(text, "type", column->type);
    }
    if (column->unit) {
        flo_text_string(text, ", ");
        put_text(text, "unit", column->unit);
    }
    flo_text_string(text, "}\n");
}

static void put_shape(flo_text *text, const flo_schema_table *table)
{
    char extent[FLO_SCALAR_BYTES];
    flo_text_string(text, "  shape: [");
    for (int d = 0; d < table->rank; ++d) {
        snprintf(extent, sizeof extent, "%s%lld", d ? ", " : "",
                 (long long)table->shape[d]);
        flo_text_string(text, extent);
    }
    flo_text_string(text, "]\n");
}

static void put_columns(flo_text *text, const flo_schema_table *table, int64_t most)
{
    char more[60];
    const int64_t count = most && most < table->count ? most : table->count;
    for (int64_t j = 0; j < count; ++j)
        put_column(text, &table->column[j]);
    if (count == table->count)
        return;
    snprintf(more, sizeof more, "    # and %lld more\n",
             (long long)(table->count - count));
    flo_text_string(text, more);
}

static void put_table(flo_text *text, const char *key, const flo_schema_table *table,
                      int64_t most)
{
    if (!table->count && !table->path)
        return;
    flo_text_string(text, key);
    flo_text_string(text, ":\n  ");
    put_text(text, "dataset", table->dataset);
    if (table->path) {
        flo_text_string(text, "\n  ");
        put_text(text, "path", table->path);
    }
    flo_text_string(text, "\n  ");
    put_integer(text, "width", table->width);
    flo_text_string(text, "\n");
    put_shape(text, table);
    flo_text_string(text, "  columns:\n");
    put_columns(text, table, most);
}

/* What is printed. */
typedef struct printing {
    const flo_schema *schema;
    int64_t most;
} printing;

static void put_schema(flo_text *text, const void *what)
{
    const printing *const p = what;
    put_table(text, "features", &p->schema->features, p->most);
    put_table(text, "context", &p->schema->context, p->most);
    put_table(text, "weights", &p->schema->weight, p->most);
}

flo_status flo_schema_print(flo_arena *arena, const flo_schema *schema, int64_t most,
                            char **text)
{
    const printing p = {schema, most};
    return flo_text_make(arena, put_schema, &p, text);
}

/* The text of a key of a map; NULL where it is not there. */
static const char *text_of(const flo_node *map, const char *key)
{
    const flo_node *const node = flo_node_find(map, key);
    return node && node->kind == FLO_NODE_SCALAR ? node->text : NULL;
}

/* A whole number from 0 of a key of a map. */
static bool read_count(const flo_node *map, const char *key, int64_t *count)
{
    const char *const text = text_of(map, key);
    return text && flo_scalar_integer(text, count) && *count >= 0;
}

static bool read_shape(const flo_node *node, flo_schema_table *table)
{
    if (!node || node->kind != FLO_NODE_LIST || node->count > FLO_SCHEMA_RANK)
        return false;
    for (const flo_node *extent = node->first; extent; extent = extent->next)
        if (extent->kind != FLO_NODE_SCALAR ||
            !flo_scalar_integer(extent->text, &table->shape[table->rank++]))
            return false;
    return true;
}

static bool read_column(const flo_node *node, int64_t width, flo_schema_column *column)
{
    if (node->kind != FLO_NODE_MAP || !read_count(node, "index", &column->index))
        return false;
    const char *const type = text_of(node, "type");
    column->name = text_of(node, "name");
    column->type = type ? type : "";
    column->unit = text_of(node, "unit");
    return column->index < width;
}

/* Whether `node` is a table; the texts stay those of the tree. */
static flo_status read_table(flo_arena *arena, const flo_node *node,
                             flo_schema_table *table, bool *good)
{
    table->dataset = "";
    if (!node)
        return FLO_OK;
    const flo_node *const columns = flo_node_find(node, "columns");
    const char *const dataset = text_of(node, "dataset");
    *good = *good && dataset && read_count(node, "width", &table->width) &&
            read_shape(flo_node_find(node, "shape"), table) && columns;
    if (!*good)
        return FLO_OK;
    table->dataset = dataset;
    table->path = text_of(node, "path");
    const bool any = columns->kind == FLO_NODE_LIST;
    FLO_TRY(flo_arena_take(arena, any ? columns->count : 0, sizeof *table->column,
                           &table->column));
    for (const flo_node *item = any ? columns->first : NULL; item; item = item->next)
        *good =
            *good && read_column(item, table->width, &table->column[table->count++]);
    return FLO_OK;
}

flo_status flo_schema_read(flo_arena *arena, const char *file, const char *text,
                           flo_schema **schema)
{
    flo_node *root;
    bool good = true;
    FLO_TRY(flo_yaml_parse(arena, file, text, strlen(text), &root));
    FLO_TRY(flo_arena_take(arena, 1, sizeof **schema, schema));
    good = root->kind == FLO_NODE_MAP;
    if (good) {
        FLO_TRY(read_table(arena, flo_node_find(root, "features"), &(*schema)->features,
                           &good));
        FLO_TRY(read_table(arena, flo_node_find(root, "context"), &(*schema)->context,
                           &good));
        FLO_TRY(read_table(arena, flo_node_find(root, "weights"), &(*schema)->weight,
                           &good));
    }
    if (good)
        return FLO_OK;
    return flo_fail(flo_arena_context(arena), FLO_ERROR_FILE,
                    "%s: found a schema that is not one, wanted features, context and "
                    "weights with dataset, width, shape and columns: the file is "
                    "damaged or of another version of flotilla",
                    file);
}
