/* A tree from a stream of scalars, openings, closings and aliases, within limits. */
#ifndef FLO_CONFIG_BUILDER_H
#define FLO_CONFIG_BUILDER_H

#include "config/node.h"

typedef struct flo_anchor {
    struct flo_anchor *older;
    const char *name;
    const flo_node *node;
} flo_anchor;

typedef struct flo_builder {
    flo_arena *arena;
    const char *file;
    const flo_node *at; /* key and parent of the root, for messages; NULL: none */
    int line;           /* of the event at hand; the parser sets it before each call */
    flo_node *root;     /* NULL before the first event */
    struct {
        flo_node *node, *last; /* an open list or map, its last child */
        const char *key;       /* waits for its value; NULL: none */
    } open[FLO_NODE_LEVELS];
    int depth; /* lists and maps that are open */
    int64_t nodes, anchors;
    flo_anchor *newest;
} flo_builder;

/* The events. `anchor` may be NULL. Text is copied into the arena. Local.
   FLO_ERROR_CONFIG (duplicate or bad key, bad alias, a limit), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_builder_scalar(flo_builder *builder, const char *anchor,
                                           const char *text, bool quoted);
FLO_MUST_USE flo_status flo_builder_open(flo_builder *builder, const char *anchor,
                                         flo_node_kind kind);
void flo_builder_close(flo_builder *builder);
FLO_MUST_USE flo_status flo_builder_alias(flo_builder *builder, const char *name);

/* An error at the line and path that the builder has reached. Local.
   FLO_ERROR_CONFIG. */
flo_status flo_builder_fail(const flo_builder *builder, const char *found,
                            const char *wanted);

#endif
