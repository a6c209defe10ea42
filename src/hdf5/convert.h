/* Inside src/hdf5: elements of a machine type to flo_real. */
#ifndef FLO_HDF5_CONVERT_H
#define FLO_HDF5_CONVERT_H

#include "core/context.h"

#include <hdf5.h>

/* Converts in [count] of the converter's own type to out [count]. */
typedef void (*flo_converter)(int64_t count, const void *in, flo_real *out);

/* The converter of a stored type that equals one of the machine's own (float, double,
   signed or unsigned 8 to 64 bits in its byte order); NULL for any other. Local. */
flo_converter flo_converter_find(hid_t type);

#endif
