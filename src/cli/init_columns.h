/* Inside src/cli: what `flotilla init` does with each column of a data set. */
#ifndef FLO_CLI_INIT_COLUMNS_H
#define FLO_CLI_INIT_COLUMNS_H

#include "data/profile_sample.h"

#include <stdbool.h>

/* How a column is prepared; those that are left out are no features. */
typedef enum flo_init_kind {
    FLO_INIT_PLAIN,
    FLO_INIT_LOGIT,
    FLO_INIT_LOG,
    FLO_INIT_SIGNED, /* signed_log */
    FLO_INIT_OUT
} flo_init_kind;

typedef struct flo_init_column {
    flo_init_kind kind;
    bool whole; /* whole numbers: dequantize comes first */
    int64_t low, levels;
    double scale;    /* of signed_log */
    const char *why; /* it is left out */
} flo_init_column;

/* Chooses for every column of a profile; `others` [count] are profiles of the same
   columns in held-out rows, which must be taken too, and `sample` is of the profile's
   rows. column [profile->columns]. *whole_rows is the share of rows without gaps in the
   columns that are kept. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_init_choose(flo_context *context,
                                        const flo_profile *profile, int64_t count,
                                        const flo_profile *const *others,
                                        const flo_profile_sample *sample,
                                        flo_init_column *column, double *whole_rows);

#endif
