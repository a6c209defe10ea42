/* Inside src/data: paths and glob patterns turned into the files that are meant. */
#ifndef FLO_DATA_FILES_H
#define FLO_DATA_FILES_H

#include "config/settings.h"

/* Whether a text is the path of something that exists, or a pattern that some path
   matches. Local. */
bool flo_files_match(const char *text);

/* The files of `written`, in its order; what is no existing path and holds one of *, ?
   and [ is a pattern, whose files follow in the byte order of their names. A part ** of
   it stands for any folders, none among them, but for hidden ones and links. In the
   arena. Local. FLO_ERROR_FILE (nothing matches a pattern), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_files_expand(flo_arena *arena, const flo_texts *written,
                                         flo_texts *files);

#endif
