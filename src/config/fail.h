/* Config errors in their one format: FILE:LINE: PATH: found FOUND, wanted WANTED. */
#ifndef FLO_CONFIG_FAIL_H
#define FLO_CONFIG_FAIL_H

#include "config/nearest.h"
#include "config/yaml.h"

/* Fails at a node with the words given for what was found. Only file, line, key and
   parent of the node are read. Local. FLO_ERROR_CONFIG. */
flo_status flo_config_fail(flo_arena *arena, const flo_node *node, const char *found,
                           const char *wanted, ...) FLO_ATTRIBUTE(format(printf, 4, 5));

/* Fails at a key that nobody knows: wanted one of `whose`, and the nearest if any.
   Local. FLO_ERROR_CONFIG. */
flo_status flo_config_fail_unknown(flo_arena *arena, const flo_node *node,
                                   const char *whose, const flo_nearest *nearest);

/* The text of a search for people: "; did you mean adam?", or "". In the arena. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_nearest_text(flo_arena *arena, const flo_nearest *nearest,
                                         char **text);

#endif
