/* Inside src/hdf5: h5py's compression `lzf`, which HDF5 itself does not have. */
#ifndef FLO_HDF5_LZF_H
#define FLO_HDF5_LZF_H

/* Lets HDF5 read filter 32000 in this process, unless it has it from elsewhere (a
   plugin, h5py). Writing with it fails. Inside a use of HDF5. Local. */
void flo_lzf_register(void);

#endif
