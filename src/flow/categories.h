/* Context columns that are categories: which values each has, and the one-hot columns
   that networks see in their place. A class is no quantity: 3 is not between 2 and 4.

   A row of context [C] becomes one of [E]: column by column, a number as it is, and of
   a category with K values K numbers, 1 for the value at hand and 0 for the others. */
#ifndef FLO_FLOW_CATEGORIES_H
#define FLO_FLOW_CATEGORIES_H

#include "config/yaml.h"
#include "flotilla/real.h"

/* At most so many values a column; beyond, a label hardly repeats. */
enum { FLO_CATEGORIES_MOST = 1000 };

typedef struct flo_category {
    int64_t column;  /* of the context */
    int64_t count;   /* K */
    flo_real *value; /* [K] whole numbers, rising */
} flo_category;

typedef struct flo_categories {
    int64_t context;      /* C */
    int64_t encoded;      /* E; C where there are none */
    int64_t count;        /* of columns that are categories */
    flo_category *column; /* [count], rising */
} flo_categories;

/* The key of a config that holds them: context_categories. */
extern const char flo_categories_key[];

/* Reads `context_categories` of a config, for C context columns: a list of
   {column: INDEX, values: [..]}; none where it is missing. In the arena. Local.
   FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_categories_read(flo_arena *arena, const flo_node *root,
                                            int64_t contexts,
                                            flo_categories *categories);

/* The same as YAML text, in the arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_categories_print(flo_arena *arena,
                                             const flo_categories *categories,
                                             char **text);

/* The category of a context column; NULL: it is a number. Pure. Local. */
const flo_category *flo_categories_at(const flo_categories *categories, int64_t column);

/* Which of its values a number is; -1: none of them. Pure. Local. */
int64_t flo_category_find(const flo_category *category, flo_real value);

/* The first category of a row [C] that has a value which it does not know; NULL: all
   are known. Pure. Local. */
const flo_category *flo_categories_unknown(const flo_categories *categories,
                                           const flo_real *row);

/* Rows [B, C] into [B, E]; zeros for a value that is not known. The arrays do not
   overlap. Pure. Local. */
void flo_categories_encode(const flo_categories *categories, int64_t B,
                           const flo_real *rows, flo_real *encoded);

/* "10 categories: 0, 1, 2, .. 9", cut where they are many, and "one of the 10
   categories that were trained on: ..", into text [size]. Local. */
void flo_category_list(const flo_category *category, char *text, size_t size);
void flo_category_explain(const flo_category *category, char *text, size_t size);

#endif
