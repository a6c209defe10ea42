/* One setting: from its node to its place in a struct. */
#ifndef FLO_CONFIG_SETTINGS_VALUE_H
#define FLO_CONFIG_SETTINGS_VALUE_H

#include "config/settings.h"

/* Stores the value of a node at the row's offset in `values`. Local. FLO_ERROR_CONFIG,
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_setting_read(flo_arena *arena, const flo_setting *row,
                                         flo_node *node, void *values);

#endif
