/* Inside src/hdf5: attributes of a data set that are numbers or words. */
#ifndef FLO_HDF5_ATTRIBUTE_H
#define FLO_HDF5_ATTRIBUTE_H

#include "core/arena.h"

#include <hdf5.h>
#include <stdbool.h>

typedef struct flo_attribute {
    bool is_there, is_number; /* a text that is a number is one */
    bool is_float;
    int bytes; /* of a number as it is stored; 8 of a text */
    int64_t count;
    double *value; /* [count] */
} flo_attribute;

/* Reads attribute `name` of an object; of one that is a compound, its member `field`
   (NULL: it must not be a compound), if there is one that is a number. Not there, or
   not numbers: no failure. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_attribute_read(flo_arena *arena, hid_t object,
                                           const char *name, const char *field,
                                           flo_attribute *found);

/* A single text, cut to text [bytes]; empty where there is none. Local. */
void flo_attribute_text(hid_t object, const char *name, char *text, size_t bytes);

#endif
