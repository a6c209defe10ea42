/* Whether HDF5 is at work, for whoever handles a crash of it. */
#ifndef FLO_HDF5_INSIDE_H
#define FLO_HDF5_INSIDE_H

/* The file that the calling thread reads with HDF5 just now, or NULL.
   Async-signal-safe. Local. */
const char *flo_hdf5_file_inside(void);

#endif
