/* Inside src/hdf5: attributes that are texts. */
#ifndef FLO_HDF5_TEXTS_H
#define FLO_HDF5_TEXTS_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* Adds an attribute of texts [count] (UTF-8, as h5py writes a list of them) to the
   object at `path`; count 0: the one text texts[0]. False: it could not be added.
   Within a use of HDF5. Local. */
bool flo_hdf5_set_texts(hid_t at, const char *path, const char *name, int64_t count,
                        const char *const *texts);

#endif
