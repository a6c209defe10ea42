/* Inside src/data: one entry of a list of columns: an index, a range or a name. */
#ifndef FLO_DATA_COLUMN_ENTRY_H
#define FLO_DATA_COLUMN_ENTRY_H

#include "data/source.h"

/* Columns first .. first + count - 1. */
typedef struct flo_column_entry {
    int64_t first, count;
} flo_column_entry;

/* Whether a node can only be an entry, not a path: an index, a half-open range as numpy
   has it (0:21, 3:, :5), or the name of a column. Local. */
bool flo_column_is_entry(const flo_source *source, const flo_node *node);

/* Whether the columns of an entry are there, too. Local. */
bool flo_column_is_there(const flo_source *source, const flo_node *node);

/* The columns of a node. `setting` is its name in section data. Local.
   FLO_ERROR_CONFIG: no column of the source, naming those there are. */
FLO_MUST_USE flo_status flo_column_entry_read(flo_arena *arena,
                                              const flo_source *source,
                                              const flo_node *node, const char *setting,
                                              flo_column_entry *entry);

#endif
