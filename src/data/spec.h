/* Inside src/data: FILE[:dataset] as people write it. */
#ifndef FLO_DATA_SPEC_H
#define FLO_DATA_SPEC_H

#include "core/arena.h"

#include <stdbool.h>

/* Whether a text names a file: it has a colon, behind which the data set stands. */
bool flo_spec_has_file(const char *text);

/* Cuts a spec into file and data set, in the arena: FILE is a path or a pattern, and
   may hold colons itself where such files are there. *name is NULL where no data set is
   named. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_spec_cut(flo_arena *arena, const char *spec,
                                     const char **file, const char **name);

/* The data set that is meant when none is named: the only numeric one of the (first)
   file, or the one called `usual`. Local. FLO_ERROR_FILE, FLO_ERROR_DATA listing those
   there are. */
FLO_MUST_USE flo_status flo_spec_find_dataset(flo_arena *arena, const char *file,
                                              const char *usual, const char **name);

#endif
