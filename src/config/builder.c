/* A tree from a stream of scalars, openings, closings and aliases, within limits. */
#include "config/builder.h"

#include "config/fail.h"
#include "config/quote.h"

#include <string.h>

/* Far above any config, far below what hurts: an alias of an alias of an alias must not
   fill the memory, nor a search for duplicates take minutes. libyaml reads keys of at
   most 1024 characters; escapes make a printed key up to four times longer. */
enum { MOST_NODES = 1000000, MOST_KEYS = 1000, MOST_ANCHORS = 1000, LONGEST_KEY = 200 };

flo_status flo_builder_fail(const flo_builder *b, const char *found, const char *wanted)
{
    flo_node here = {.file = b->file, .line = b->line};
    if (b->depth == 0 && b->at) {
        here.parent = b->at->parent;
        here.key = b->at->key;
    }
    if (b->depth > 0) {
        here.parent = b->open[b->depth - 1].node;
        here.key = b->open[b->depth - 1].key;
        if (!here.key && here.parent->kind == FLO_NODE_MAP)
            here = (flo_node){.file = b->file,
                              .line = b->line,
                              .key = here.parent->key,
                              .parent = here.parent->parent};
    }
    return flo_config_fail(b->arena, &here, found, "%s", wanted);
}

static flo_status make(flo_builder *b, flo_node_kind kind, int line, flo_node **node)
{
    if (++b->nodes > MOST_NODES)
        return flo_builder_fail(b, "more than 1000000 values, aliases counted in full",
                                "a config of a sane size");
    return flo_node_create(b->arena, kind, b->file, line, node);
}

/* Links a node where the next value belongs. */
static void place(flo_builder *b, flo_node *node)
{
    if (b->depth == 0) {
        b->root = node;
        node->parent = b->at ? b->at->parent : NULL;
        node->key = b->at ? b->at->key : NULL;
        return;
    }
    flo_node *const parent = b->open[b->depth - 1].node;
    flo_node *const last = b->open[b->depth - 1].last;
    *(last ? &last->next : &parent->first) = node;
    node->parent = parent;
    node->key = b->open[b->depth - 1].key;
    parent->count++;
    b->open[b->depth - 1].last = node;
    b->open[b->depth - 1].key = NULL;
}

static flo_status remember(flo_builder *b, const char *name, const flo_node *node)
{
    if (!name)
        return FLO_OK;
    if (++b->anchors > MOST_ANCHORS)
        return flo_builder_fail(b, "more than 1000 anchors", "fewer");
    flo_anchor *anchor;
    char *copy;
    FLO_TRY(flo_arena_take(b->arena, 1, sizeof *anchor, &anchor));
    FLO_TRY(flo_arena_string(b->arena, name, &copy));
    *anchor = (flo_anchor){.older = b->newest, .name = copy, .node = node};
    b->newest = anchor;
    return FLO_OK;
}

static bool expects_key(const flo_builder *b)
{
    return b->depth > 0 && b->open[b->depth - 1].node->kind == FLO_NODE_MAP &&
           !b->open[b->depth - 1].key;
}

static flo_status take_key(flo_builder *b, const char *anchor, const char *text)
{
    const flo_node *const map = b->open[b->depth - 1].node;
    if (!*text)
        return flo_builder_fail(b, "an empty key", "a name before the colon");
    if (anchor)
        return flo_builder_fail(b, "an anchor on a key", "the anchor on its value");
    if (strlen(text) > LONGEST_KEY)
        return flo_builder_fail(b, "a very long key", "at most 200 characters");
    if (strcmp(text, "<<") == 0)
        return flo_builder_fail(b, "the key <<",
                                "the keys written out: maps are not merged");
    if (map->count >= MOST_KEYS)
        return flo_builder_fail(b, "a map of more than 1000 keys", "fewer");
    char *key;
    FLO_TRY(flo_arena_string(b->arena, text, &key));
    b->open[b->depth - 1].key = key;
    if (flo_node_find(map, key))
        return flo_builder_fail(b, "the same key a second time",
                                "each key once: delete one of the two");
    return FLO_OK;
}

flo_status flo_builder_scalar(flo_builder *b, const char *anchor, const char *text,
                              bool quoted)
{
    if (expects_key(b))
        return take_key(b, anchor, text);
    flo_node *node;
    char *copy;
    FLO_TRY(make(b, FLO_NODE_SCALAR, b->line, &node));
    FLO_TRY(flo_arena_string(b->arena, !quoted && flo_scalar_null(text) ? "null" : text,
                             &copy));
    node->text = copy;
    node->quoted = quoted && flo_scalar_special(text);
    place(b, node);
    return remember(b, anchor, node);
}

static flo_status refuse_key(const flo_builder *b)
{
    return flo_builder_fail(b, "a list, map or alias as a key", "a plain name");
}

static flo_status refuse_depth(const flo_builder *b)
{
    return flo_builder_fail(b, "lists and maps more than 64 levels deep",
                            "a flatter config: look for brackets that do not close");
}

flo_status flo_builder_open(flo_builder *b, const char *anchor, flo_node_kind kind)
{
    if (expects_key(b))
        return refuse_key(b);
    if (b->depth == FLO_NODE_LEVELS)
        return refuse_depth(b);
    flo_node *node;
    FLO_TRY(make(b, kind, b->line, &node));
    place(b, node);
    b->open[b->depth].node = node;
    b->open[b->depth].last = NULL;
    b->open[b->depth].key = NULL;
    b->depth++;
    return remember(b, anchor, node);
}

void flo_builder_close(flo_builder *b)
{
    b->depth--;
}

/* Copies an anchored tree; texts and keys are shared, and lines are those of the
   original, where a wrong value must be put right. */
static flo_status copy_tree(flo_builder *b, const flo_node *source, int level,
                            flo_node **copy)
{
    if (source->kind != FLO_NODE_SCALAR && level >= FLO_NODE_LEVELS)
        return refuse_depth(b);
    FLO_TRY(make(b, source->kind, source->line, copy));
    flo_node **end = &(*copy)->first;
    (*copy)->key = source->key;
    (*copy)->text = source->text;
    (*copy)->quoted = source->quoted;
    (*copy)->count = source->count;
    for (const flo_node *child = source->first; child; child = child->next) {
        FLO_TRY(copy_tree(b, child, level + 1, end));
        (*end)->parent = *copy;
        end = &(*end)->next;
    }
    return FLO_OK;
}

flo_status flo_builder_alias(flo_builder *b, const char *name)
{
    if (expects_key(b))
        return refuse_key(b);
    const flo_anchor *anchor = b->newest;
    while (anchor && strcmp(anchor->name, name) != 0)
        anchor = anchor->older;
    if (!anchor)
        return flo_builder_fail(b, "an alias without its anchor",
                                "the anchor (&name) before the alias (*name)");
    for (int i = 0; i < b->depth; i++)
        if (b->open[i].node == anchor->node)
            return flo_builder_fail(b, "an alias inside its own anchor",
                                    "the alias after the anchored value");
    flo_node *copy;
    FLO_TRY(copy_tree(b, anchor->node, b->depth, &copy));
    copy->key = NULL;
    place(b, copy);
    return FLO_OK;
}
