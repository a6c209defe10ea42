/* Inside src/hdf5: which stored numbers stand for a missing one, and what the others
   stand for, by the attributes of netCDF and CF. */
#ifndef FLO_HDF5_MEANING_H
#define FLO_HDF5_MEANING_H

#include "hdf5/record.h"

struct flo_meaning {
    int64_t gaps;
    double *gap;      /* [gaps] stored numbers that are missing */
    double low, high; /* what lies beyond is missing, too: a stored number, or .. */
    bool low_of_unpacked, high_of_unpacked; /* .. the number that it stands for */
    double scale, offset;
};

/* Looks for attributes of an open data set: _FillValue, missing_value, valid_range,
   valid_min, valid_max, scale_factor, add_offset, _Unsigned; for a fill value of HDF5
   that is netCDF's own; and for pandas' times, of which the least integer is none. Sets
   record->field[].meaning where a field has any, and its converter where it is to be
   read as unsigned. Takes from the arena. Local. FLO_ERROR_MEMORY; FLO_ERROR_DATA: an
   attribute that is no number, or of too many. */
FLO_MUST_USE flo_status flo_meaning_find(flo_arena *arena, const char *file,
                                         const char *name, hid_t dataset, hid_t type,
                                         flo_record *record);

/* Stored numbers become what they stand for, NaN where they are missing: value [rows,
   count], rows `stride` elements apart. */
void flo_meaning_apply(const flo_meaning *meaning, int64_t rows, int64_t count,
                       double *value, int64_t stride);

/* What the fields of a data set's record mean as text [bytes]: "-32768 is missing,
   times 0.001, plus 10"; empty where all numbers stand for themselves. A fill value of
   HDF5 that is neither 0 nor missing is told, too: numbers may be there that nobody
   wrote. Local. */
void flo_meaning_tell(hid_t dataset, const flo_record *record, char *text,
                      size_t bytes);

#endif
