/* What the HDF5 library in use is. */
#ifndef FLO_HDF5_BUILD_H
#define FLO_HDF5_BUILD_H

#include <stdbool.h>

typedef struct flo_hdf5_build {
    unsigned version[3];
    bool thread_safe; /* flotilla does not need it */
    bool deflate;     /* reads data compressed by gzip */
} flo_hdf5_build;

/* Local. */
flo_hdf5_build flo_hdf5_build_look(void);

#endif
