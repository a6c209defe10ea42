/* YAML text to a tree, by the events of libyaml. */
#include "config/builder.h"
#include "config/fail.h"

#include <yaml.h>

#include <stdio.h>
#include <string.h>

typedef struct input {
    const char *text; /* [length] */
    size_t length;
    const char *path; /* where its value will stand; NULL: it is a file, with lines */
} input;

static int line_at(const input *source, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < source->length; i++)
        line += source->text[i] == '\n';
    return line;
}

/* libyaml's words are kept: they are precise, and people search for them. */
static flo_status fail_syntax(flo_builder *b, const yaml_parser_t *parser,
                              const input *source)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return flo_fail(flo_arena_context(b->arena), FLO_ERROR_MEMORY,
                        "%s: out of memory while reading it as YAML", b->file);
    const bool is_byte = parser->error == YAML_READER_ERROR;
    const int line = is_byte ? line_at(source, parser->problem_offset)
                             : (int)parser->problem_mark.line + 1;
    b->line = source->path ? 0 : line;
    char found[400], context[200] = "";
    if (parser->context && !source->path)
        snprintf(context, sizeof context, " %s that starts at line %d", parser->context,
                 (int)parser->context_mark.line + 1);
    snprintf(found, sizeof found, "text that is not YAML (%s%s)",
             parser->problem ? parser->problem : "no reason given", context);
    return flo_builder_fail(b, found,
                            is_byte ? "UTF-8 text: is this the right file?"
                                    : "YAML: check brackets, quotes, colons and that "
                                      "spaces, not tabs, indent");
}

static flo_status take_scalar(flo_builder *b, const yaml_event_t *event)
{
    const char *const text = (const char *)event->data.scalar.value;
    if (event->data.scalar.tag)
        return flo_builder_fail(b, "a tag (!)", "values without tags");
    if (strlen(text) != event->data.scalar.length)
        return flo_builder_fail(b, "a text with a NUL character", "a text without");
    return flo_builder_scalar(b, (const char *)event->data.scalar.anchor, text,
                              event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE);
}

static flo_status take_opening(flo_builder *b, const yaml_event_t *event)
{
    const bool is_map = event->type == YAML_MAPPING_START_EVENT;
    const void *const tag =
        is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const yaml_char_t *const anchor =
        is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    if (tag)
        return flo_builder_fail(b, "a tag (!)", "values without tags");
    return flo_builder_open(b, (const char *)anchor,
                            is_map ? FLO_NODE_MAP : FLO_NODE_LIST);
}

static flo_status take_event(flo_builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return take_opening(b, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        flo_builder_close(b);
        return FLO_OK;
    case YAML_ALIAS_EVENT:
        return flo_builder_alias(b, (const char *)event->data.alias.anchor);
    case YAML_DOCUMENT_START_EVENT:
        return b->root ? flo_builder_fail(b, "a second document (---)",
                                          "one document in a file")
                       : FLO_OK;
    default:
        return FLO_OK;
    }
}

static flo_status take_events(flo_builder *b, yaml_parser_t *parser,
                              const input *source)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return fail_syntax(b, parser, source);
        const bool is_last = event.type == YAML_STREAM_END_EVENT;
        b->line = source->path ? 0 : (int)event.start_mark.line + 1;
        const flo_status status = take_event(b, &event);
        yaml_event_delete(&event);
        FLO_TRY(status);
        if (is_last)
            return FLO_OK;
    }
}

/* *root is NULL for text without a document. */
static flo_status parse(flo_arena *arena, const char *file, const input *source,
                        flo_node **root)
{
    char *name;
    FLO_TRY(flo_arena_string(arena, file, &name));
    const flo_node top = {.kind = FLO_NODE_MAP};
    const flo_node at = {.key = source->path, .parent = (flo_node *)&top};
    flo_builder builder = {
        .arena = arena, .file = name, .at = source->path ? &at : NULL};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return flo_fail(flo_arena_context(arena), FLO_ERROR_MEMORY,
                        "%s: out of memory while reading it as YAML", file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)source->text,
                                 source->length);
    const flo_status status = take_events(&builder, &parser, source);
    yaml_parser_delete(&parser);
    *root = builder.root;
    if (*root) {
        (*root)->parent = NULL;
        (*root)->key = NULL;
    }
    return status;
}

flo_status flo_yaml_parse(flo_arena *arena, const char *file, const char *text,
                          size_t length, flo_node **root)
{
    const input source = {.text = text, .length = length};
    FLO_TRY(parse(arena, file, &source, root));
    if (*root)
        return FLO_OK;
    char *name;
    FLO_TRY(flo_arena_string(arena, file, &name));
    return flo_node_create(arena, FLO_NODE_MAP, name, 1, root);
}

flo_status flo_yaml_value(flo_arena *arena, const char *file, const char *path,
                          const char *text, flo_node **value)
{
    const input source = {.text = text, .length = strlen(text), .path = path};
    FLO_TRY(parse(arena, file, &source, value));
    if (*value)
        return FLO_OK;
    char *name;
    FLO_TRY(flo_arena_string(arena, file, &name));
    FLO_TRY(flo_node_create(arena, FLO_NODE_SCALAR, name, 0, value));
    (*value)->text = "null";
    return FLO_OK;
}
