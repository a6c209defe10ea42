/* A tree as YAML text that parses to the same tree. */
#include "config/quote.h"
#include "config/yaml.h"

enum { COLUMNS = 88, INDENT = 2 };

static bool is_list_of_scalars(const flo_node *node)
{
    if (node->kind != FLO_NODE_LIST)
        return false;
    for (const flo_node *child = node->first; child; child = child->next)
        if (child->kind != FLO_NODE_SCALAR)
            return false;
    return true;
}

static bool is_simple(const flo_node *node)
{
    return node->kind == FLO_NODE_SCALAR || node->count == 0 ||
           is_list_of_scalars(node);
}

/* A map of scalars and of lists of scalars. */
static bool is_leaf_map(const flo_node *node)
{
    if (node->kind != FLO_NODE_MAP)
        return false;
    for (const flo_node *child = node->first; child; child = child->next)
        if (!is_simple(child))
            return false;
    return true;
}

/* One line of flow style. */
static void print_flow(flo_text *text, const flo_node *node)
{
    if (node->kind == FLO_NODE_SCALAR) {
        flo_scalar_write(text, node->text, node->quoted);
        return;
    }
    const bool is_map = node->kind == FLO_NODE_MAP;
    flo_text_string(text, is_map ? "{" : "[");
    for (const flo_node *child = node->first; child; child = child->next) {
        flo_text_string(text, child == node->first ? "" : ", ");
        if (is_map) {
            flo_scalar_write(text, child->key, false);
            flo_text_string(text, ": ");
        }
        print_flow(text, child);
    }
    flo_text_string(text, is_map ? "}" : "]");
}

static size_t flow_width(const flo_node *node)
{
    flo_text measure = {0};
    print_flow(&measure, node);
    return measure.length;
}

static void print_newline(flo_text *text, size_t indent)
{
    flo_text_string(text, "\n");
    flo_text_spaces(text, indent);
}

/* A scalar, or a list of scalars in as many lines as it needs. */
static void print_simple(flo_text *text, const flo_node *node)
{
    if (node->kind != FLO_NODE_LIST) {
        print_flow(text, node);
        return;
    }
    flo_text_string(text, "[");
    const size_t indent = text->column;
    for (const flo_node *child = node->first; child; child = child->next) {
        if (child != node->first) {
            flo_text_string(text, ",");
            if (text->column + 1 + flow_width(child) + 1 < COLUMNS)
                flo_text_string(text, " ");
            else
                print_newline(text, indent);
        }
        print_flow(text, child);
    }
    flo_text_string(text, "]");
}

static void print_block(flo_text *text, const flo_node *node, size_t indent);

static void print_value(flo_text *text, const flo_node *value, size_t indent)
{
    if (is_simple(value)) {
        flo_text_string(text, " ");
        print_simple(text, value);
        return;
    }
    print_newline(text, indent + INDENT);
    print_block(text, value, indent + INDENT);
}

static void print_item(flo_text *text, const flo_node *item, size_t indent)
{
    flo_text_string(text, "- ");
    const bool fits = is_leaf_map(item) && text->column + flow_width(item) < COLUMNS;
    if (fits)
        print_flow(text, item);
    else
        print_block(text, item, indent + INDENT);
}

/* A node from the column `indent` on; no newline at its end. */
static void print_block(flo_text *text, const flo_node *node, size_t indent)
{
    if (is_simple(node)) {
        print_simple(text, node);
        return;
    }
    for (const flo_node *child = node->first; child; child = child->next) {
        if (child != node->first)
            print_newline(text, indent);
        if (node->kind == FLO_NODE_LIST) {
            print_item(text, child, indent);
            continue;
        }
        flo_scalar_write(text, child->key, false);
        flo_text_string(text, ":");
        print_value(text, child, indent);
    }
}

static void print_tree(flo_text *text, const void *root)
{
    print_block(text, root, 0);
    flo_text_string(text, "\n");
}

flo_status flo_yaml_print(flo_arena *arena, const flo_node *root, char **text)
{
    return flo_text_make(arena, print_tree, root, text);
}
