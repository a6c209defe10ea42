/* Indices written as in numpy. */
#include "config/index_range.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* The whole number that stands at *text, moved behind it; `fallback` where none does.
 */
static int64_t take_number(const char **text, int64_t fallback)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return fallback;
    errno = 0;
    const long long value = strtoll(*text, &end, 10);
    *text = end;
    return errno ? INT64_MAX : (int64_t)value;
}

bool flo_index_is_written(const flo_node *node, int64_t total, int64_t *first,
                          int64_t *last)
{
    if (node->kind != FLO_NODE_SCALAR)
        return false;
    const char *text = node->text;
    *first = take_number(&text, 0);
    if (text == node->text && *text != ':')
        return false;
    const bool range = *text == ':';
    text += range;
    *last = range ? take_number(&text, total) : *first;
    *last += !range && *last < INT64_MAX;
    return *text == '\0';
}

bool flo_index_range(const flo_node *node, int64_t total, int64_t *first, int64_t *last)
{
    return flo_index_is_written(node, total, first, last) && *first < *last &&
           *last <= total;
}
