/* When a YAML scalar needs quotes, and how it is written. */
#ifndef FLO_CONFIG_QUOTE_H
#define FLO_CONFIG_QUOTE_H

#include "config/text.h"

#include <stdbool.h>

/* Whether the text without quotes says more than itself: null, true, auto, a number, a
   size. Only for such texts do quotes change the meaning. Pure. Local. */
bool flo_scalar_special(const char *text);

/* Whether it is null: nothing, ~, null. Pure. Local. */
bool flo_scalar_null(const char *text);

/* Writes a scalar in double quotes if `quoted` or if YAML's syntax needs them in block
   or flow style, else plain. Local. */
void flo_scalar_write(flo_text *text, const char *scalar, bool quoted);

#endif
