/* Inside src/data: the columns of a source that are those of a model's schema. Every
   table that a model meets after training goes through here. */
#ifndef FLO_DATA_BIND_H
#define FLO_DATA_BIND_H

#include "core/arena.h"
#include "data/source.h"
#include "schema/schema.h"

typedef enum flo_binding {
    FLO_BOUND_BY_NAME,  /* wherever the names stand */
    FLO_BOUND_BY_INDEX, /* the source is as wide as the one that was trained on */
    FLO_BOUND_AS_IT_IS  /* it has just the columns of the model, in its order */
} flo_binding;

/* Finds the columns column [table->count] of a source, `what` ("features") in messages:
   1. by their labels where the source has names and each is there once;
   2. else by the recorded indices where a plain source is as wide as the schema's;
   3. else, if `alone`, as they stand where a plain source has as many columns as the
      table: rows that hold nothing but the model's.
   2 and 3 hold only where nothing speaks against them: a name on both sides that
   differs, or event shapes that do. Local. FLO_ERROR_DATA: none of these; the message
   says what is there, what is wanted and how it can be bound. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_bind(flo_arena *arena, const flo_source *source,
                                 const flo_schema_table *table, const char *what,
                                 bool alone, int64_t *column, flo_binding *binding);

/* The same without an error: *found is false where the table is not there. */
FLO_MUST_USE flo_status flo_bind_try(flo_arena *arena, const flo_source *source,
                                     const flo_schema_table *table, int64_t *column,
                                     bool *found);

#endif
