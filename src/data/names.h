/* Inside src/data: the names of a source's columns, sorted, so that each is found at
   once. */
#ifndef FLO_DATA_NAMES_H
#define FLO_DATA_NAMES_H

#include "core/arena.h"
#include "data/source.h"

typedef struct flo_name {
    const char *text; /* borrowed from the source */
    int64_t column;
} flo_name;

typedef struct flo_names {
    int64_t count;  /* 0: the columns have no names */
    flo_name *name; /* [count], by text, then by column */
} flo_names;

/* Sorts the names of a source. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_names_sort(flo_arena *arena, const flo_source *source,
                                       flo_names *names);

/* The first column of this name; *count columns have it, 0: none. Pure. */
int64_t flo_names_find(const flo_names *names, const char *text, int64_t *count);

#endif
