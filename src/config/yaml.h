/* A YAML document as a tree that remembers file, line and path of every node. */
#ifndef FLO_CONFIG_YAML_H
#define FLO_CONFIG_YAML_H

#include "core/arena.h"

#include <stdbool.h>

typedef enum flo_node_kind {
    FLO_NODE_SCALAR,
    FLO_NODE_LIST,
    FLO_NODE_MAP
} flo_node_kind;

/* A node. All strings and children live in the arena of the tree. */
typedef struct flo_node {
    flo_node_kind kind;
    const char *file; /* where the node was written: a file name, "--set", "default" */
    int line;         /* from 1; 0 where there is none */
    const char *key;  /* its key in the parent map, NULL in a list or at the root */
    const char *text; /* a scalar's text */
    bool quoted;      /* text in quotes that means something else without: "null", "1".
                         Set for no other text, so that printing may drop the quotes */
    struct flo_node *parent, *first, *next; /* first child, next sibling */
    int64_t count;                          /* children */
} flo_node;

/* Parses YAML text [length]; `file` names it in messages (it need not exist). Anchors
   are resolved; tags, duplicate keys, merge keys, a second document, more than 64
   levels and more than a million values (aliases in full) are refused. Null is always
   the text null. An empty document is an empty map. Local. FLO_ERROR_CONFIG with file,
   line and reason; FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_yaml_parse(flo_arena *arena, const char *file,
                                       const char *text, size_t length,
                                       flo_node **root);

/* Reads a whole file (or pipe) of at most 64 MiB into the arena, NUL-terminated. Local.
   FLO_ERROR_FILE naming it. */
FLO_MUST_USE flo_status flo_file_text(flo_arena *arena, const char *path, char **text,
                                      size_t *length);

/* Applies one `path=value` to the tree: the value is YAML, the path is keys joined by
   dots with list indices (flow.layers[0].layers[2].width or flow.layers.0.width);
   missing maps are made. The nodes' file is "--set". After a failure some maps may have
   been made. Local. FLO_ERROR_CONFIG, FLO_ERROR_USAGE, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_yaml_override(flo_arena *arena, flo_node *root,
                                          const char *assignment);

/* The child of a map with this key, the child of a list at this index; NULL if absent.
 */
flo_node *flo_node_find(const flo_node *map, const char *key);
flo_node *flo_node_at(const flo_node *list, int64_t index);

/* Whether a node is null: nothing, ~ or null, not in quotes. Local. */
bool flo_node_is_null(const flo_node *node);

/* The node's path from the root, "flow.layers[2].width", "" for the root; in the
   arena. Local. */
FLO_MUST_USE flo_status flo_node_path(flo_arena *arena, const flo_node *node,
                                      char **path);

/* Gives a map a child parsed from YAML text: in the place of the old one with this key,
   else at the end. Local. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_node_set(flo_arena *arena, flo_node *map, const char *key,
                                     const char *yaml, const char *file);

/* The tree as YAML text that parses to the same tree: block style, but lists of scalars
   and short leaf maps in lists in flow style; quotes only where needed. In the arena.
   Local. */
FLO_MUST_USE flo_status flo_yaml_print(flo_arena *arena, const flo_node *root,
                                       char **text);

#endif
