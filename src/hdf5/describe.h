/* Inside src/hdf5: what an open data set is, and whether it can be read. */
#ifndef FLO_HDF5_DESCRIBE_H
#define FLO_HDF5_DESCRIBE_H

#include "hdf5/dataset.h"

#include <hdf5.h>

/* Fills in everything of info but `direct`. Returns true for a numeric array of rank 1
   to 8 and for a compound [N] with numeric fields; else false with what it is as text
   [bytes]: "is of type string". Local. */
bool flo_hdf5_describe(hid_t dataset, flo_dataset_info *info, char *flaw, size_t bytes);

/* Whether what a virtual data set is made of is there, and written: HDF5 itself would
   hand out fill values for a missing source. Sources that are virtual are looked into.
   False with the flaw as text [bytes]: "has a source part.h5 that cannot be opened".
   Local. */
bool flo_hdf5_sources_present(hid_t dataset, char *flaw, size_t bytes);

/* NULL where all numbers of a data set that is not virtual have been written; else the
   flaw as text [bytes], "was created but never written", and what is wanted instead.
   Local. */
const char *flo_hdf5_unwritten(hid_t dataset, const flo_dataset_info *info, char *flaw,
                               size_t bytes);

#endif
