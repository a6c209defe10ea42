/* A setting in words: what it may be. */
#ifndef FLO_CONFIG_SETTINGS_DESCRIBE_H
#define FLO_CONFIG_SETTINGS_DESCRIBE_H

#include "config/settings.h"

/* Whether null is allowed: by its flag or as the default. Pure. Local. */
bool flo_setting_allows_null(const flo_setting *row);

/* What an error wants: "an integer from 1 to 1e9 or auto". In the arena. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_setting_wanted(flo_arena *arena, const flo_setting *row,
                                           char **text);

/* The same for the help, without what the default shows: "1 to 1e9, or auto". In the
   arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_setting_range(flo_arena *arena, const flo_setting *row,
                                          char **text);

#endif
