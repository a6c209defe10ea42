/* Inside src/data: FILE[:dataset] as people write it. */
#ifndef FLO_DATA_SPEC_H
#define FLO_DATA_SPEC_H

#include "core/context.h"

enum { FLO_SPEC_BYTES = 1024 };

/* Cuts a spec at its last colon (unless all of it is the name of a file) into file and
   data set [FLO_SPEC_BYTES]. Where no data set is named it is the only numeric one of
   the file, or `test`. Local. FLO_ERROR_FILE, FLO_ERROR_DATA listing those there are,
   FLO_ERROR_USAGE. */
FLO_MUST_USE flo_status flo_spec_cut(flo_context *context, const char *spec, char *file,
                                     char *name);

#endif
