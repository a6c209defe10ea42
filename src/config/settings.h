/* Settings: one row says name, type, place, range, default and help; from the rows come
   the reader, the help, the effective config and its errors. */
#ifndef FLO_CONFIG_SETTINGS_H
#define FLO_CONFIG_SETTINGS_H

#include "config/yaml.h"

#include <stddef.h>

typedef enum flo_setting_type {
    FLO_BOOLEAN,  /* bool: true, false */
    FLO_INTEGER,  /* int64_t; 1e6 and 1_000_000 are integers too */
    FLO_NUMBER,   /* double */
    FLO_TEXT,     /* const char *; NULL for null */
    FLO_CHOICE,   /* int: index among `choices` */
    FLO_BYTES,    /* int64_t: 4096, 64kB, 2GB, 1GiB */
    FLO_INTEGERS, /* flo_integers: list, or one integer for a list of one */
    FLO_TEXTS,    /* flo_texts: list, or one text for a list of one */
    FLO_NODE      /* flo_node *: any YAML, read by the part itself; NULL for null */
} flo_setting_type;

typedef struct flo_integers {
    int64_t count;
    const int64_t *values; /* [count] */
} flo_integers;

typedef struct flo_texts {
    int64_t count;
    const char *const *values; /* [count] */
} flo_texts;

#define FLO_AUTO INT64_MIN /* an integer or bytes setting that was written `auto` */

/* Flags. `auto` and `null` are FLO_AUTO in integers and bytes and NaN in numbers; null
   is no value (count 0) in lists. */
enum {
    FLO_REQUIRED = 1,   /* no default: an error names the setting when it is missing */
    FLO_AUTO_VALUE = 2, /* `auto` is allowed */
    FLO_NULL_VALUE = 4  /* `null` is allowed (a default null allows it too) */
};

typedef struct flo_setting {
    const char *name;
    flo_setting_type type;
    size_t offset;        /* of the place in the settings struct */
    double low, high;     /* inclusive range of numbers, of each number of a list; both
                             0: any; low DBL_MIN reads "above 0"; an end may be
                             infinite */
    const char *fallback; /* default, as YAML */
    const char *choices;  /* "adam|adamw|sgd" */
    unsigned flags;
    const char *help; /* one sentence, lower case, no full stop */
} flo_setting;

/* A named table of settings: `flow`, `train`, or a kind of bijection. */
typedef struct flo_settings {
    const char *name; /* "train" */
    const char *help;
    const flo_setting *rows; /* ends with a row whose name is NULL */
} flo_settings;

/* Reads a map by its table into the struct `values`: fills in defaults, also in the
   tree (so that printing the tree gives the effective config, in the table's order). A
   key `kind` is left to the caller where the table has no such row. map may be NULL:
   the section is then added to `parent` under the table's name; a map that is null
   becomes an empty one. Errors, all
   FLO_ERROR_CONFIG: unknown key (with the nearest name), wrong type, out of range,
   missing; each names file, line, path, found and wanted. Local. */
FLO_MUST_USE flo_status flo_settings_read(flo_arena *arena, flo_node *parent,
                                          flo_node *map, const flo_settings *table,
                                          void *values);

/* Refuses keys of a map that are not in `known` [count] (the top level: section names),
   naming the nearest. Local. FLO_ERROR_CONFIG. */
FLO_MUST_USE flo_status flo_settings_known(flo_arena *arena, const flo_node *map,
                                           const char *const *known, int64_t count);

/* An error at a node in the one format of config errors:
   "FILE:LINE: PATH: found FOUND, wanted WANTED". `wanted` may say what to do. Local. */
flo_status flo_settings_fail(flo_arena *arena, const flo_node *node, const char *wanted,
                             ...) FLO_ATTRIBUTE(format(printf, 3, 4));

/* Text for people: every row with default, range and help, as commented YAML indented
   by `indent` spaces. In the arena. Local. */
FLO_MUST_USE flo_status flo_settings_help(flo_arena *arena, const flo_settings *table,
                                          int indent, char **text);

/* The first difference between two trees of settings: *path (in the arena) names it,
   NULL if there is none. Paths that equal one of `ignored` [count], or lie below it, do
   not count. Values are compared as they are read: 1e3 and 1000, 2GB and 2000MB, x and
   [x] are the same, in any order of keys. Local. */
FLO_MUST_USE flo_status flo_settings_difference(flo_arena *arena, const flo_node *old,
                                                const flo_node *new_tree,
                                                const char *const *ignored,
                                                int64_t count, char **path);

#endif
