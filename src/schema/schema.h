/* What the numbers of a model mean: for every feature and context column its name, the
   place it came from, its stored type and its unit. A model carries its schema from the
   file that it was trained on to every file that it meets (data/bind.h). */
#ifndef FLO_SCHEMA_SCHEMA_H
#define FLO_SCHEMA_SCHEMA_H

#include "core/arena.h"

#include <stdbool.h>

enum { FLO_SCHEMA_RANK = 8, FLO_SCHEMA_LABEL_BYTES = 24 };

typedef struct flo_schema_column {
    const char *name; /* NULL: it has none, or shares it with another column */
    int64_t index;    /* among the columns of its source */
    const char *type; /* as stored, by numpy's name: float32, >i4; "": not known */
    const char *unit; /* as the file tells it; NULL: it does not */
} flo_schema_column;

/* Columns that were chosen from one source. */
typedef struct flo_schema_table {
    const char *dataset; /* data set, table or group they were chosen from; "": none */
    const char *path;    /* of context and weights: the setting, where it is a data set
                            of its own beside the features; else NULL */
    int64_t width;       /* columns of the source */
    int rank;            /* of a row of it, 1 of a plain table */
    int64_t shape[FLO_SCHEMA_RANK];
    int64_t count;
    flo_schema_column *column; /* [count], in the model's order */
} flo_schema_table;

typedef struct flo_schema {
    flo_schema_table features, context; /* D columns, C columns */
    flo_schema_table weight;            /* one column or none */
} flo_schema;

/* What a column is called: its name, or the digits of its index; `text` has
   FLO_SCHEMA_LABEL_BYTES bytes and serves for the digits. Borrowed. Pure. */
const char *flo_schema_label(const flo_schema_column *column, char *text);

/* Whether every column has a name. Pure. */
bool flo_schema_is_named(const flo_schema_table *table);

/* Whether the columns are all of the source's, in its order: then a row has the
   source's shape. Pure. */
bool flo_schema_is_whole(const flo_schema_table *table);

/* The labels of the columns, cut where they are many: text [bytes] for a message. */
void flo_schema_list(const flo_schema_table *table, char *text, size_t bytes);

/* A schema as YAML text (of each table `most` columns, and how many more there are; 0:
   all), and the schema that such a text stands for; `file` is for
   messages. Both in the arena. Local. FLO_ERROR_MEMORY; reading: FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_schema_print(flo_arena *arena, const flo_schema *schema,
                                         int64_t most, char **text);
FLO_MUST_USE flo_status flo_schema_read(flo_arena *arena, const char *file,
                                        const char *text, flo_schema **schema);

#endif
