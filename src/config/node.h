/* Building trees of nodes: what the parser, overrides and the settings reader share. */
#ifndef FLO_CONFIG_NODE_H
#define FLO_CONFIG_NODE_H

#include "config/yaml.h"

/* Lists and maps inside one another, so that recursion over a tree is bounded. */
enum { FLO_NODE_LEVELS = 64 };

/* The `file` of nodes that were filled in from a table, and of those set by the user.
 */
#define FLO_FILE_DEFAULT "default"
#define FLO_FILE_SET "--set"

/* A node without parent, key and children. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_node_create(flo_arena *arena, flo_node_kind kind,
                                        const char *file, int line, flo_node **node);

/* Adds a child at the end; puts `by` in the place of `node`, with its key. Local. */
void flo_node_append(flo_node *parent, flo_node *child);
void flo_node_replace(flo_node *node, flo_node *by);

/* Makes a node an empty map in its place. Local. */
void flo_node_make_map(flo_node *node);

/* Lists and maps above a node; those in it, itself included, along the longest way
   down. Local. */
int flo_node_level(const flo_node *node);
int flo_node_height(const flo_node *node);

/* Parses the YAML of one value that will stand at `path` (for messages); nothing is
   null; lines are 0. Local. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_yaml_value(flo_arena *arena, const char *file,
                                       const char *path, const char *text,
                                       flo_node **value);

#endif
