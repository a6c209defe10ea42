/* Inside src/cli: what `flotilla init` does with each column of a data set. */
#ifndef FLO_CLI_INIT_COLUMNS_H
#define FLO_CLI_INIT_COLUMNS_H

#include "data/profile.h"

/* How a column is prepared; those that are left out are no features. */
typedef enum flo_init_kind {
    FLO_INIT_PLAIN,
    FLO_INIT_WHOLE,  /* dequantize, then logit */
    FLO_INIT_UNIT,   /* logit: numbers between 0 and 1 */
    FLO_INIT_LOG,    /* log: positive, over orders of magnitude */
    FLO_INIT_SIGNED, /* signed_log: heavy tails */
    FLO_INIT_OUT
} flo_init_kind;

typedef struct flo_init_column {
    flo_init_kind kind;
    int64_t low, levels; /* of whole numbers */
    double scale;        /* of signed_log */
    const char *why;     /* it is left out */
} flo_init_column;

/* Chooses for every column of a profile; `others` [count] are profiles of the same
   columns in held-out rows, which must be taken too. column [profile->columns]. Pure.
   Local. */
void flo_init_choose(const flo_profile *profile, int64_t count,
                     const flo_profile *const *others, flo_init_column *column);

#endif
