/* Whether HDF5 is at work, for whoever handles a crash of it. */
#ifndef FLO_HDF5_INSIDE_H
#define FLO_HDF5_INSIDE_H

/* The file that the calling thread reads with HDF5 just now, or NULL.
   Async-signal-safe. Local. */
const char *flo_hdf5_file_inside(void);

/* Says that this process is ours: at its exit HDF5 need not close what is open. After a
   close that failed (a full disk) it holds on to what is gone, and would crash there.
   Before any other use of HDF5. Local. */
void flo_hdf5_skip_exit(void);

#endif
