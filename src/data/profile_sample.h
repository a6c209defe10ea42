/* Inside src/data: a sample of rows of a source, and what it shows of its columns: a
   number that comes again and again, columns that are copies of others. */
#ifndef FLO_DATA_PROFILE_SAMPLE_H
#define FLO_DATA_PROFILE_SAMPLE_H

#include "data/profile.h"

typedef struct flo_profile_sample {
    int64_t rows, columns;
    double *x; /* [columns, rows] */
} flo_profile_sample;

/* Reads up to `most` rows at so many places in the source, whose columns are chosen
   (fewer of very wide ones). The caller frees it. Local. FLO_ERROR_FILE,
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_profile_sample_read(flo_context *context,
                                                flo_source *source, int64_t columns,
                                                int64_t most, int64_t places,
                                                flo_profile_sample *sample);
void flo_profile_sample_free(flo_context *context, flo_profile_sample *sample);

/* The number that is most often in each column of the sample, into value [columns]; NaN
   where none makes up a fortieth of it. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_profile_sample_repeats(flo_context *context,
                                                   const flo_profile_sample *sample,
                                                   double *value);

/* Sets copy_of of the columns that are a x + b of an earlier one, in every row of the
   sample and by their kurtosis over all rows. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_profile_sample_copies(flo_context *context,
                                                  const flo_profile_sample *sample,
                                                  flo_profile *profile);

#endif
