/* Inside src/hdf5: one row of a data set as it lies in memory, and its numeric fields.
 */
#ifndef FLO_HDF5_RECORD_H
#define FLO_HDF5_RECORD_H

#include "core/arena.h"
#include "hdf5/convert.h"

/* What a file says that its numbers stand for: hdf5/meaning.h. */
typedef struct flo_meaning flo_meaning;

/* Columns that lie side by side: a plain row, or a field of a compound. */
typedef struct flo_field {
    const char *name; /* NULL: a plain row */
    int64_t columns;  /* above 1 where the field is an array */
    int64_t first;    /* its first among the columns of the record */
    int64_t offset;   /* of its first element, in bytes from the record's begin */
    int64_t size;     /* of an element */
    char type[FLO_TYPE_BYTES]; /* as stored */
    flo_converter convert;
    const flo_meaning *meaning; /* NULL: numbers stand for themselves */
    bool is_unsigned;           /* stored as signed: its attribute _Unsigned */
    int64_t masks;              /* of its numbers; 1: one for all, 0: none */
    int64_t
        mask_offset; /* of the first mask, a byte that is not 0 where it is missing */
} flo_field;

typedef struct flo_record {
    int64_t columns; /* of all fields */
    int64_t bytes;   /* of a record in memory */
    int64_t fields;
    flo_field *field; /* [fields], in the order in which they lie */
    hid_t type;       /* of what H5Dread gives for a record: of an element of a plain
                         row, of the whole compound. Owned: flo_record_close */
    bool as_stored;   /* bytes in the file are a record: no conversion by HDF5 */
} flo_record;

/* The numeric columns of a type: 1 of a number, those of all fields that are numbers or
   arrays of numbers of a compound, else 0. Local. */
int64_t flo_record_columns(hid_t type);

/* Whether a value is the same bytes in the file and in memory: no text or list of any
   length in it, and no reference. Local. */
bool flo_record_is_flat(hid_t type);

/* The record of a stored type, one that has columns; a row of a plain data set has
   `elements` of it. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_record_make(flo_arena *arena, hid_t type, int64_t elements,
                                        flo_record *record);
void flo_record_close(flo_record *record);

#endif
