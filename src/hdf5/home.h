/* Inside src/hdf5: names that may lead through links into other files, and the file
   that an object lies in. */
#ifndef FLO_HDF5_HOME_H
#define FLO_HDF5_HOME_H

#include "hdf5/dataset.h"

#include <hdf5.h>

/* H5Oopen and H5Dopen2 whose external links open their files as flo_hdf5_open does:
   read-only, without file locks. `access` is a data set's access list; -1: the usual
   one. Negative where nothing can be opened. The caller closes it. Local. */
hid_t flo_hdf5_open_object(hid_t at, const char *name);
hid_t flo_hdf5_open_dataset(hid_t at, const char *name, hid_t access);

/* The name by which HDF5 opened the file that holds an object: path [bytes]. */
void flo_hdf5_home_name(hid_t object, char *path, size_t bytes);

/* Whether the file that holds an object is, as the system knows it, the one behind a
   descriptor, and one whose offsets are those of HDF5 (no family, no split file).
   Local. */
bool flo_hdf5_is_home(hid_t object, int descriptor);

/* What tells an object from all others, whatever the names that lead to it. Local. */
flo_identity flo_hdf5_identify(hid_t object);

/* Why `name` leads nowhere, as text [bytes]: "goes through a link to '/x' in part.h5,
   which cannot be opened or .."; empty where no link is to blame. Local. */
void flo_hdf5_broken_link(hid_t file, const char *name, char *text, size_t bytes);

/* Calls visit for each data set, as flo_dataset_each does, that soft and external links
   of a file lead to, under the name of the link; info.again where it is seen under
   another name too. Links that lead nowhere are passed over. Negative after a failure.
   Local. */
herr_t flo_hdf5_visit_links(hid_t file,
                            void (*visit)(const char *name,
                                          const flo_dataset_info *info, void *argument),
                            void *argument);

#endif
