/* Inside src/hdf5: stored numbers to flo_real, exactly where flo_real can hold them,
   else to the nearest. */
#ifndef FLO_HDF5_CONVERT_H
#define FLO_HDF5_CONVERT_H

#include "core/context.h"

#include <hdf5.h>
#include <stdbool.h>

/* Converts in [rows, count], rows in_stride bytes apart, its elements side by side and
   at any address, to out [rows, count], rows out_stride elements apart. */
typedef void (*flo_converter)(int64_t rows, int64_t count, const void *in,
                              int64_t in_stride, flo_real *out, int64_t out_stride);

/* The converter of a stored type: IEEE float of 16, 32 or 64 bits, signed or unsigned
   integer of 8, 16, 32 or 64 bits, each in either byte order. NULL for any other.
   Local. */
flo_converter flo_converter_find(hid_t type);

/* Converts in [rows, count], as above, to double, less origin [count] (NULL: 0): out
   [rows, count], rows out_stride elements apart. Of 64-bit integers a whole origin is
   taken off before they are rounded. */
typedef void (*flo_widener)(int64_t rows, int64_t count, const void *in,
                            int64_t in_stride, const double *origin, double *out,
                            int64_t out_stride);

/* That of the type which flo_converter_find gave `convert` for. Pure. */
flo_widener flo_converter_widen(flo_converter convert);

/* HDF5's name of flo_real in memory; not to be closed. Local. */
hid_t flo_converter_real(void);

/* Whether a converter's elements are flo_real as they stand. Pure. */
bool flo_converter_copies(flo_converter convert);

#endif
